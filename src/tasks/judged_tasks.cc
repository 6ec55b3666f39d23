#include "tasks/judged_tasks.h"

#include <algorithm>
#include <set>

#include "data/prompt_reader.h"
#include "iteralign/error.h"
#include "stages/respond.h"

namespace iteralign {
namespace {

struct JudgedTask {
  const char* name;
  Question question;
  PromptSet set;  // of its prompts
  const char* metric;
  const char* description;
};

constexpr JudgedTask kTasks[] = {
    {"redteam", Question::harm, PromptSet::heldout, "negative_rate", "answers that the oracle finds harmful"},
    {"overrefusal", Question::refusal, PromptSet::lookalike, "refusal_rate",
     "answers that the oracle finds refusing; of safe prompts the fewer the better, of unsafe ones the more"},
    {"benign", Question::refusal, PromptSet::benign, "refusal_rate", "answers that the oracle finds refusing"}};

// Verdicts are kept by set and prompt.
constexpr bool sets_have_one_question() {
  for (const JudgedTask& a : kTasks)
    for (const JudgedTask& b : kTasks)
      if (a.set == b.set && !(a.question == b.question)) return false;
  return true;
}
static_assert(sets_have_one_question(), "two tasks ask different questions about one set of prompts");

// A benchmark counts near duplicates as well; exact duplicates count once.
std::vector<Prompt> read(const std::string& data, PromptFilter filter) {
  std::vector<Prompt> prompts = read_prompts(data, filter);
  std::set<std::string> seen;
  std::erase_if(prompts, [&](const Prompt& prompt) { return !seen.insert(prompt.id).second; });
  return prompts;
}

TaskSample sample_of(const Case& item, const std::string& group) {
  Json messages = Json::array();
  for (const Message& message : item.prompt.messages) messages.push_back({{"role", message.role}, {"content", message.content}});
  return {.group = group,
          .doc = {{"prompt", item.prompt.messages.back().content}, {"category", item.prompt.category}, {"source", item.prompt.source}},
          .target = "",
          .arguments = std::move(messages),
          .responses = {{"text", item.response.text}, {"verdict", name(item.verdict.label)}, {"rationale", item.verdict.rationale}},
          .unjudged = item.verdict.label == Label::unjudged ? name(item.verdict.reason) : "",
          .value = item.verdict.label == Label::negative ? 1.0 : 0.0};
}

}  // namespace

std::vector<std::string> judged_task_names() {
  std::vector<std::string> names;
  for (const JudgedTask& task : kTasks) names.emplace_back(task.name);
  return names;
}

TaskResult judged_task(const std::string& name, const Judging& judging, const std::string& data, std::size_t limit) {
  const Stage& stage = judging.stage;
  const JudgedTask& task = *std::ranges::find_if(kTasks, [&](const JudgedTask& known) { return name == known.name; });
  const bool contrast = name == "overrefusal";
  std::vector<Prompt> prompts = read(data, PromptFilter::all);
  const std::size_t items = prompts.size();
  if (limit > 0 && prompts.size() > limit) prompts.resize(limit);
  std::set<std::string> safe;  // ids
  if (contrast)
    for (const Prompt& prompt : read(data, PromptFilter::only_safe)) safe.insert(prompt.id);

  const PromptSet set = task.set;
  Sampling sampling = stage.config.respond;
  sampling.max_new_tokens = stage.config.evaluate.max_new_tokens;
  stage.store.put_prompts(set, prompts);
  respond(stage, judging.key, {{.set = set, .prompts = prompts, .question = task.question, .seeds_of = 0}}, sampling);

  TaskResult result{.task = name,
                    .description = task.description,
                    .metric = task.metric,
                    .version = 1,
                    .data = data,
                    .items = items,
                    .judge = judging.judge};
  for (const Case& item : cases(stage.store, judging.key, set, prompts))
    result.samples.push_back(sample_of(item, !contrast ? "" : safe.contains(item.prompt.id) ? "safe" : "unsafe"));
  result.measures = summarise(result.samples, result.metric, /*higher_is_better=*/false);
  for (Measure& measure : result.measures) measure.higher_is_better = measure.group == "unsafe";
  return result;
}

}  // namespace iteralign
