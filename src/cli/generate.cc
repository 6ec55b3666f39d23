// iteralign generate: answers to prompts.

#include <fmt/format.h>

#include <memory>

#include "actions/open_model.h"
#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/sampling_flags.h"
#include "cli/verbs.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/strings.h"
#include "data/prompt_reader.h"
#include "iteralign/error.h"
#include "iteralign/finish_reason.h"
#include "model/answer_all.h"

namespace iteralign {
namespace {

struct GenerateFlags {
  ModelOptions model;
  std::string prompt, prompts_file, system;
  bool has_prompt = false, raw = false, json = false, logprobs = false;
  SamplingFlags sampling;
  int samples = 1;  // a prompt
  std::uint64_t seed = 0;
};

std::vector<Prompt> read_questions(const GenerateFlags& flags) {
  if (flags.has_prompt) return {{.id = "prompt", .messages = {{"user", flags.prompt}}, .category = {}, .source = {}}};
  return read_prompts(flags.prompts_file);
}

GenerateRequest to_request(const GenerateFlags& flags, const Sampling& sampling, const Prompt& prompt, int sample) {
  const std::string name = sample == 0 ? prompt.id : fmt::format("{}/{}", prompt.id, sample);
  GenerateRequest request{
      .messages = {}, .raw = {}, .prefill = {}, .sampling = sampling, .seed = derive_seed(flags.seed, name), .logprobs = flags.logprobs};
  if (flags.raw) {
    request.raw = prompt.messages.back().content;
    return request;
  }
  if (!flags.system.empty()) request.messages.push_back({"system", flags.system});
  request.messages.insert(request.messages.end(), prompt.messages.begin(), prompt.messages.end());
  return request;
}

Json to_json(const GenerateFlags& flags, const Prompt& prompt, int sample, const Generation& generation) {
  Json json = {{"prompt", prompt.messages.back().content},
               {"text", generation.text},
               {"token_ids", generation.tokens},
               {"finish_reason", name(generation.finish_reason)},
               {"prompt_tokens", generation.prompt_tokens},
               {"completion_tokens", generation.tokens.size()}};
  if (flags.samples > 1) json["sample"] = sample;
  if (flags.logprobs) json["logprobs"] = generation.logprobs;
  return json;
}

// How many requests have no answer; each prompt is named once.
std::size_t warn_of_long(const GenerateFlags& flags, const std::vector<Prompt>& prompts, const std::vector<Generation>& generations) {
  const auto samples = static_cast<std::size_t>(flags.samples);
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < generations.size(); ++i) {
    if (generations[i].finish_reason != FinishReason::too_long) continue;
    if (left_out++ % samples == 0)
      log_warning("{} is left out: its {} tokens leave no room for an answer in the model's context",
                  flags.has_prompt ? "the prompt" : prompts[i / samples].source, generations[i].prompt_tokens);
  }
  return left_out;
}

void run_generate(const GenerateFlags& flags) {
  const auto prompts = read_questions(flags);
  const Sampling sampling = sampling_of(flags.sampling, flags.model.path);
  if (flags.samples > 1 && sampling.temperature == 0)
    throw Error(ErrorKind::usage, "greedy answers are all the same", "--n", "give a --temperature above 0");
  const auto model = open_model(flags.model);
  std::vector<GenerateRequest> requests;
  for (const auto& prompt : prompts)
    for (int sample = 0; sample < flags.samples; ++sample) requests.push_back(to_request(flags, sampling, prompt, sample));
  Progress progress("generate", static_cast<std::int64_t>(requests.size()), "answers");
  const auto generations = answer_all(
      *model, requests, [&](std::size_t, const Generation&) { progress.add(); }, interrupted);

  const std::size_t left_out = warn_of_long(flags, prompts, generations);
  if (left_out == generations.size())
    throw Error(ErrorKind::data, "no prompt leaves room for an answer in the model's context", flags.prompts_file, "shorten them");
  Json list = Json::array();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto samples = static_cast<std::size_t>(flags.samples);
    if (flags.json)
      list.push_back(to_json(flags, prompts[i / samples], static_cast<int>(i % samples), generations[i]));
    else if (generations[i].finish_reason != FinishReason::too_long)
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
  add_sampling_flags(*verb, flags->sampling);
  verb->add_option("--n", flags->samples, "samples a prompt")->check(CLI::PositiveNumber)->capture_default_str();
  verb->add_option("--seed", flags->seed, "of sampling")->capture_default_str();
  verb->add_flag("--json", flags->json, "one JSON array");
  auto* logprobs = verb->add_flag("--logprobs", flags->logprobs, "log-probability of each token by the model alone; with --json");
  logprobs->needs("--json");
  verb->callback([flags, prompt, prompts] {
    flags->has_prompt = prompt->count() > 0;
    if (!flags->has_prompt && prompts->count() == 0) throw Error(ErrorKind::usage, "needs --prompt or --prompts", "generate");
    run_generate(*flags);
  });
}

}  // namespace iteralign
