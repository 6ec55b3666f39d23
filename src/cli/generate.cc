// iteralign generate: answers to prompts.

#include <memory>

#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/strings.h"
#include "data/prompt_reader.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

struct GenerateFlags {
  ModelOptions model;
  std::string prompt, prompts_file, system;
  bool has_prompt = false, raw = false, json = false;
  Sampling sampling;
  std::uint64_t seed = 0;
};

std::vector<Prompt> read_questions(const GenerateFlags& flags) {
  if (flags.has_prompt) return {{.id = "prompt", .messages = {{"user", flags.prompt}}, .category = {}, .source = {}}};
  return read_prompts(flags.prompts_file);
}

GenerateRequest to_request(const GenerateFlags& flags, const Prompt& prompt) {
  GenerateRequest request{.messages = {}, .raw = {}, .prefill = {}, .sampling = flags.sampling, .seed = derive_seed(flags.seed, prompt.id)};
  if (flags.raw) {
    request.raw = prompt.messages.back().content;
    return request;
  }
  if (!flags.system.empty()) request.messages.push_back({"system", flags.system});
  request.messages.insert(request.messages.end(), prompt.messages.begin(), prompt.messages.end());
  return request;
}

Json to_json(const Prompt& prompt, const Generation& generation) {
  return {{"prompt", prompt.messages.back().content},
          {"text", generation.text},
          {"token_ids", generation.tokens},
          {"finish_reason", generation.finish_reason},
          {"prompt_tokens", generation.prompt_tokens},
          {"completion_tokens", generation.tokens.size()}};
}

void run_generate(const GenerateFlags& flags) {
  const auto prompts = read_questions(flags);
  const auto model = open_model(flags.model);
  std::vector<GenerateRequest> requests;
  for (const auto& prompt : prompts) requests.push_back(to_request(flags, prompt));
  Progress progress("generate", static_cast<std::int64_t>(requests.size()), "answers");
  const auto generations = model->generate(
      requests, [&](std::size_t, const Generation&) { progress.add(); }, interrupted);

  Json list = Json::array();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (flags.json)
      list.push_back(to_json(prompts[i], generations[i]));
    else
      print_line(generations[i].text);
  }
  if (flags.json) print_json(list);
}

}  // namespace

void add_generate(CLI::App& app) {
  auto flags = std::make_shared<GenerateFlags>();
  auto* verb = app.add_subcommand("generate", "answers to prompts");
  add_model_flags(*verb, flags->model);
  auto* prompt = verb->add_option("--prompt", flags->prompt, "one prompt");
  auto* prompts = verb->add_option("--prompts", flags->prompts_file, "a file of prompts, or a folder; the format is found by content");
  prompt->excludes(prompts);
  verb->add_flag("--raw", flags->raw, "the text as it is, without chat template");
  verb->add_option("--system", flags->system, "system message");
  verb->add_option("--max-new-tokens", flags->sampling.max_new_tokens, "length limit")->check(CLI::PositiveNumber)->capture_default_str();
  verb->add_option("--temperature", flags->sampling.temperature, "0 is greedy")->check(CLI::NonNegativeNumber)->capture_default_str();
  verb->add_option("--top-p", flags->sampling.top_p, "nucleus sampling")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  verb->add_option("--top-k", flags->sampling.top_k, "0: off")->check(CLI::NonNegativeNumber)->capture_default_str();
  verb->add_option("--min-p", flags->sampling.min_p, "0: off")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  verb->add_option("--repetition-penalty", flags->sampling.repetition_penalty, "1: off")->check(CLI::PositiveNumber)->capture_default_str();
  verb->add_option("--frequency-penalty", flags->sampling.frequency_penalty, "0: off")->capture_default_str();
  verb->add_option("--presence-penalty", flags->sampling.presence_penalty, "0: off")->capture_default_str();
  verb->add_option("--stop", flags->sampling.stop, "a string that ends the answer; may be given several times");
  verb->add_option("--seed", flags->seed, "of sampling")->capture_default_str();
  verb->add_flag("--json", flags->json, "one JSON array");
  verb->callback([flags, prompt, prompts] {
    flags->has_prompt = prompt->count() > 0;
    if (!flags->has_prompt && prompts->count() == 0) throw Error(ErrorKind::usage, "needs --prompt or --prompts", "generate");
    run_generate(*flags);
  });
}

}  // namespace iteralign
