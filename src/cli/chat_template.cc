// iteralign chat-template: messages to the text that the model sees.

#include <fmt/format.h>

#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "core/clock.h"
#include "core/files.h"
#include "formats/checkpoint.h"
#include "iteralign/error.h"
#include "text/chat_template.h"

namespace iteralign {
namespace {

struct TemplateFlags {
  std::string model, template_file, messages, bos, eos;
  bool generation_prompt = false;
};

struct LoadedTemplate {
  ChatTemplate chat_template;
  RenderOptions options;
};

LoadedTemplate load(const TemplateFlags& flags) {
  RenderOptions options{.add_generation_prompt = flags.generation_prompt,
                        .variables = Json::object(),
                        .tools = nullptr,
                        .documents = nullptr,
                        .date = template_time()};
  if (!flags.template_file.empty()) {
    options.variables = {{"bos_token", flags.bos}, {"eos_token", flags.eos}};
    return {ChatTemplate::from_source(read_file(flags.template_file), flags.template_file), options};
  }
  const std::string folder = resolve_model_path(flags.model);
  options.variables = special_token_variables(Tokenizer::from_folder(folder));
  return {ChatTemplate::from_folder(folder), options};
}

// Messages alone, or an object that holds them with what else the template may read: tools, documents.
Rendered render(const LoadedTemplate& loaded, const Json& conversation) {
  if (!conversation.is_object()) return loaded.chat_template.render(conversation, loaded.options);
  RenderOptions options = loaded.options;
  options.tools = conversation.value("tools", Json());
  options.documents = conversation.value("documents", Json());
  return loaded.chat_template.render(conversation.value("messages", Json()), options);
}

// One conversation a line, one result a line; a refused one is a result too.
void render_lines(const LoadedTemplate& loaded, const std::string& path, std::string_view content) {
  int number = 0;
  for (const auto line : split_lines(content)) {
    const Json conversation = parse_json(line, fmt::format("{}:{}", path, ++number));
    try {
      print_json(render(loaded, conversation).text());
    } catch (const Error& error) {
      print_json({{"error", error.what()}});
    }
  }
}

}  // namespace

void add_chat_template(CLI::App& app) {
  auto flags = std::make_shared<TemplateFlags>();
  auto* verb = app.add_subcommand("chat-template", "the text that a conversation is rendered to");
  auto* model = verb->add_option("--model", flags->model, "Hugging Face folder, or org/name in the local cache");
  auto* file = verb->add_option("--template-file", flags->template_file, "a Jinja file instead of a model");
  model->excludes(file);
  verb->add_option("--messages", flags->messages,
                   "JSON array of messages, or object with messages, tools, documents; JSON Lines (.jsonl) of such: one JSON string a line")
      ->required();
  verb->add_flag("--add-generation-prompt", flags->generation_prompt, "end with the start of the assistant's turn");
  verb->add_option("--bos", flags->bos, "bos_token for --template-file");
  verb->add_option("--eos", flags->eos, "eos_token for --template-file");
  verb->callback([flags] {
    if (flags->model.empty() == flags->template_file.empty())
      throw Error(ErrorKind::usage, "needs --model or --template-file", "chat-template");
    const auto loaded = load(*flags);
    const std::string content = read_file(flags->messages);
    if (flags->messages.ends_with(".jsonl")) return render_lines(loaded, flags->messages, content);
    print(render(loaded, parse_json(content, flags->messages)).text());
  });
}

}  // namespace iteralign
