#include "text/chat_template.h"

#include <algorithm>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "text/builtin_templates.h"

namespace iteralign {
namespace {

// chat_template of tokenizer_config.json: a string, or [{"name", "template"}, ...]. Empty when there is none.
std::string configured_source(const std::string& path) {
  const Json config = read_json(path);
  const auto found = config.find("chat_template");
  if (!config.is_object() || found == config.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array())
    for (const Json& entry : *found)
      if (entry.is_object() && entry.value("name", Json()) == "default" && entry.value("template", Json()).is_string())
        return entry["template"].get<std::string>();
  throw Error(ErrorKind::data, "chat_template is neither a string nor a list with a template named \"default\"", path);
}

std::vector<std::pair<std::string, jinja::Value>> variables_of(const Json& messages, const RenderOptions& options) {
  using jinja::Value;
  std::vector<Value> conversation;
  for (const Json& message : messages) {
    if (!message.is_object()) throw jinja::Fault{"a message is no object with role and content"};
    conversation.push_back(jinja::from_json(message, static_cast<jinja::Origin>(conversation.size()) + 1));
  }
  std::vector<std::pair<std::string, Value>> variables;
  variables.emplace_back("messages", Value::list(std::move(conversation)));
  variables.emplace_back("tools", jinja::from_json(options.tools, jinja::kData));
  variables.emplace_back("documents", jinja::from_json(options.documents, jinja::kData));
  variables.emplace_back("add_generation_prompt", options.add_generation_prompt);
  if (!options.date.empty()) variables.emplace_back("strftime_now", jinja::strftime_function(options.date));
  for (const auto& [name, value] : options.variables.items()) variables.emplace_back(name, jinja::from_json(value, jinja::kTemplate));
  return variables;
}

// Runs become fragments; `last` is the number of the last message.
Rendered rendered_from(const jinja::Text& text, jinja::Origin last) {
  Rendered rendered;
  std::size_t begin = 0;
  for (const auto& run : text.runs()) {
    const bool is_input = run.origin != jinja::kTemplate;
    if (rendered.fragments.empty() || rendered.fragments.back().is_input != is_input) rendered.fragments.push_back({"", is_input});
    rendered.fragments.back().text += text.bytes().substr(begin, run.end - begin);
    if (run.origin == last) {
      if (rendered.last_end == 0) rendered.last_begin = begin;
      rendered.last_end = run.end;
    }
    begin = run.end;
  }
  return rendered;
}

}  // namespace

Json special_token_variables(const Tokenizer& tokenizer) {
  Json variables = Json::object();
  for (const auto& [name, token] : tokenizer.named_tokens()) variables[name] = token;
  return variables;
}

std::string Rendered::text() const {
  std::string joined;
  for (const Fragment& fragment : fragments) joined += fragment.text;
  return joined;
}

Rendered Rendered::cut_at(std::size_t end) const {
  Rendered cut;
  cut.last_begin = std::min(last_begin, end);
  cut.last_end = std::min(last_end, end);
  for (const Fragment& fragment : fragments) {
    if (end == 0) break;
    cut.fragments.push_back({fragment.text.substr(0, end), fragment.is_input});
    end -= cut.fragments.back().text.size();
  }
  return cut;
}

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Template> parsed) : template_(std::move(parsed)) {}

ChatTemplate ChatTemplate::from_folder(const std::string& hf_folder) {
  const std::string file = join_path(hf_folder, "chat_template.jinja");
  if (exists(file)) return from_source(read_file(file), file);
  const std::string config = join_path(hf_folder, "tokenizer_config.json");
  if (exists(config))
    if (const std::string source = configured_source(config); !source.empty()) return from_source(source, config + ": chat_template");
  return named("plain");
}

ChatTemplate ChatTemplate::named(std::string_view name) {
  for (const BuiltinTemplate& known : builtin_templates())
    if (known.name == name) return from_source(std::string(known.source), std::string(name));
  throw Error(ErrorKind::usage, "there is no chat format of this name", std::string(name), "one of " + join(builtin_names(), ", "));
}

ChatTemplate ChatTemplate::from_source(const std::string& source, const std::string& name) {
  return ChatTemplate(std::make_shared<const jinja::Template>(source, name));
}

ChatTemplate ChatTemplate::chosen(const std::string& file_or_name, const std::string& hf_folder) {
  if (file_or_name.empty()) return from_folder(hf_folder);
  if (contains(file_or_name, "{{")) return from_source(file_or_name, "the template that was given");
  return exists(file_or_name) ? from_source(read_file(file_or_name), file_or_name) : named(file_or_name);
}

std::vector<std::string> ChatTemplate::builtin_names() {
  std::vector<std::string> names;
  for (const BuiltinTemplate& known : builtin_templates()) names.emplace_back(known.name);
  return names;
}

Rendered ChatTemplate::render(const Json& messages, const RenderOptions& options) const {
  try {
    return rendered_from(template_->render(variables_of(messages, options)), static_cast<jinja::Origin>(messages.size()));
  } catch (const jinja::Fault& fault) {  // of the variables; faults of the template itself come with their position
    throw Error(ErrorKind::data, fault.message, name());
  }
}

Rendered ChatTemplate::render(const Messages& messages, const RenderOptions& options) const {
  Json array = Json::array();
  for (const Message& message : messages) array.push_back({{"role", message.role}, {"content", message.content}});
  return render(array, options);
}

std::string ChatTemplate::render_text(const Messages& messages, const RenderOptions& options) const {
  return render(messages, options).text();
}

const std::string& ChatTemplate::name() const { return template_->name(); }
const std::string& ChatTemplate::source() const { return template_->source(); }

}  // namespace iteralign
