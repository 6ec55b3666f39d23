#include "stages/respond.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "core/progress.h"
#include "core/random.h"
#include "core/task_pool.h"
#include "stages/generation.h"

namespace iteralign {

void respond(const Stage& stage, int iteration, Purpose purpose, const std::vector<Prompt>& prompts, const Sampling& sampling,
             std::optional<Question> question) {
  std::map<std::string, Response> answered;
  for (auto& response : stage.store.responses(iteration, purpose)) answered[response.prompt_id] = std::move(response);
  const auto judged = stage.store.verdicts(iteration, purpose);

  std::vector<Prompt> missing;
  for (const auto& prompt : prompts)
    if (!answered.contains(prompt.id)) missing.push_back(prompt);

  Progress progress(fmt::format("answer {}", name(purpose)), static_cast<std::int64_t>(missing.size()), "answers");
  TaskPool judges(stage.config.oracle.concurrency);
  const auto judge_later = [&](const Prompt& prompt, const std::string& text) {
    if (!question) return;
    judges.submit([&stage, iteration, purpose, prompt, text, question] {
      stage.store.put_verdict(iteration, purpose, prompt.id, stage.judge.judge(*question, prompt.messages, text));
    });
  };
  for (const auto& prompt : prompts)
    if (const auto found = answered.find(prompt.id); found != answered.end() && !judged.contains(prompt.id))
      judge_later(prompt, found->second.text);

  std::vector<GenerateRequest> requests;
  for (const auto& prompt : missing)
    requests.push_back({.messages = prompt.messages,
                        .raw = {},
                        .prefill = {},
                        .sampling = sampling,
                        .seed = derive_seed(stage.config.seed, fmt::format("{}/{}/{}", name(purpose), iteration, prompt.id))});
  generate_into_pool(stage, requests, judges, [&](std::size_t i, const Generation& generation) {
    stage.store.put(Response{iteration, purpose, missing[i].id, generation.text, generation.finish_reason, generation.prompt_tokens,
                             static_cast<int>(generation.tokens.size())});
    judge_later(missing[i], generation.text);
    progress.add();
  });
}

}  // namespace iteralign
