#include "stages/respond.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/task_pool.h"
#include "iteralign/finish_reason.h"
#include "stages/generation.h"

namespace iteralign {
namespace {

// A prompt whose answer or verdict is missing.
struct Open {
  PromptSet set;
  Prompt prompt;
  Question question;
  Messages request;  // as the judge is told it
};

struct Unanswered {
  Open item;
  std::string opening;
  WeightsId seeds_of;
};

// "3" of an iteration, "-10002" of a candidate of the first.
std::string seed_name(WeightsId weights) {
  if (weights.attempt == 0) return fmt::format("{}", weights.iteration);
  return fmt::format("-{}{:02}{:02}", weights.iteration, weights.attempt - 1, weights.epoch);
}

Unjudged unjudged_of(const Stage& stage, WeightsId weights, const Asked& set) {
  std::vector<Verdict> verdicts;
  for (const Case& item : cases(stage.store, weights, set.set, set.prompts)) verdicts.push_back(item.verdict);
  return count_unjudged(verdicts);
}

Open open(const Asked& set, const Prompt& prompt) {
  const auto request = set.requests.find(prompt.id);
  return {set.set, prompt, set.question, request == set.requests.end() ? prompt.messages : request->second};
}

// There is nothing to judge, now or later.
Verdict too_long(int prompt_tokens) {
  return {Label::unjudged, UnjudgedReason::degenerate,
          fmt::format("the prompt has {} tokens, which leave no room for an answer in the model's context", prompt_tokens)};
}

}  // namespace

void respond(const Stage& stage, WeightsId weights, const std::vector<Asked>& sets, const Sampling& sampling) {
  TaskPool judges(stage.config.oracle.concurrency);
  std::set<PromptSet> judged_now;
  const auto judge_later = [&](const Open& item, const std::string& text) {
    judged_now.insert(item.set);
    judges.submit([&stage, weights, item, text] {
      stage.store.put_verdict(weights, item.set, item.prompt.id, stage.judge.judge(item.question, item.request, text));
    });
  };

  std::vector<Unanswered> missing;
  std::string what = "answer";
  for (const Asked& set : sets) {
    std::map<std::string, Response> answered;
    for (auto& response : stage.store.responses(weights, set.set)) answered[response.prompt_id] = std::move(response);
    const auto judged = stage.store.verdicts(weights, set.set);
    for (const Prompt& prompt : set.prompts) {
      const auto found = answered.find(prompt.id);
      if (found == answered.end())
        missing.push_back({open(set, prompt), set.opening, set.seeds_of.value_or(weights)});
      else if (found->second.finish_reason == FinishReason::too_long)
        stage.store.put_verdict(weights, set.set, prompt.id, too_long(found->second.prompt_tokens));
      else if (const auto verdict = judged.find(prompt.id); verdict == judged.end() || verdict->second.label == Label::unjudged)
        judge_later(open(set, prompt), found->second.text);
    }
    what += fmt::format("{} {}", &set == &sets.front() ? "" : ",", name(set.set));
  }

  std::vector<GenerateRequest> requests;
  for (const auto& [item, opening, seeds_of] : missing)
    requests.push_back(
        {.messages = item.prompt.messages,
         .raw = {},
         .prefill = opening,
         .sampling = sampling,
         .seed = derive_seed(stage.config.seed, fmt::format("{}/{}/{}", name(item.set), seed_name(seeds_of), item.prompt.id))});
  Progress progress(what, static_cast<std::int64_t>(missing.size()), "answers");
  generate_into_pool(stage, requests, judges, [&](std::size_t i, const Generation& generation) {
    const auto& [item, opening, seeds_of] = missing[i];
    const bool answered = generation.finish_reason != FinishReason::too_long;
    const std::string text = answered ? opening + generation.opening + generation.text : "";
    stage.store.put(Response{weights, item.set, item.prompt.id, text, generation.finish_reason, generation.prompt_tokens,
                             static_cast<int>(generation.tokens.size())});
    progress.add();
    if (answered) return judge_later(item, text);
    const Verdict verdict = too_long(generation.prompt_tokens);
    stage.store.put_verdict(weights, item.set, item.prompt.id, verdict);
    log_warning("{} is left out: {}", item.prompt.source, verdict.rationale);
  });
  for (const Asked& set : sets)
    if (judged_now.contains(set.set)) warn_if_unjudged(fmt::format("answers ({})", name(set.set)), unjudged_of(stage, weights, set));
}

}  // namespace iteralign
