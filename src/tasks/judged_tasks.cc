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

const JudgedTask& task_of(const std::string& kind) {
  return *std::ranges::find_if(kTasks, [&](const JudgedTask& task) { return kind == task.name; });
}

// A benchmark counts near duplicates as well; exact duplicates count once.
std::vector<Prompt> read(const std::string& data, PromptFilter filter) {
  std::vector<Prompt> prompts = read_prompts(data, filter);
  std::set<std::string> seen;
  std::erase_if(prompts, [&](const Prompt& prompt) { return !seen.insert(prompt.id).second; });
  return prompts;
}

}  // namespace

std::vector<std::string> judged_task_names() {
  std::vector<std::string> names;
  for (const JudgedTask& task : kTasks) names.emplace_back(task.name);
  return names;
}

JudgedPrompts read_judged_prompts(const std::string& kind, const std::string& data) {
  JudgedPrompts asked{.name = kind, .kind = kind, .data = data, .prompts = read(data, PromptFilter::all)};
  asked.items = asked.prompts.size();
  if (kind != "overrefusal") return asked;
  for (const Prompt& prompt : asked.prompts) asked.groups[prompt.id] = "unsafe";
  for (const Prompt& prompt : read(data, PromptFilter::only_safe)) asked.groups[prompt.id] = "safe";
  return asked;
}

std::vector<Case> judged_answers(const JudgedPrompts& asked, const Stage& stage, int key, const Sampling& sampling) {
  const JudgedTask& task = task_of(asked.kind);
  stage.store.put_prompts(task.set, asked.prompts);
  respond(stage, key, {{.set = task.set, .prompts = asked.prompts, .question = task.question, .seeds_of = 0, .requests = asked.requests}},
          sampling);
  return cases(stage.store, key, task.set, asked.prompts);
}

TaskSample sample_of(const Prompt& prompt, const JudgedPrompts& asked) {
  Json messages = Json::array();
  for (const Message& message : prompt.messages) messages.push_back({{"role", message.role}, {"content", message.content}});
  const auto group = asked.groups.find(prompt.id);
  return {.group = group == asked.groups.end() ? "" : group->second,
          .doc = {{"prompt", prompt.messages.back().content}, {"category", prompt.category}, {"source", prompt.source}},
          .target = "",
          .arguments = std::move(messages),
          .responses = {}};
}

TaskResult judged_task(const JudgedPrompts& asked, const Judging& judging) {
  const Stage& stage = judging.stage;
  const JudgedTask& task = task_of(asked.kind);
  Sampling sampling = stage.config.respond;
  sampling.max_new_tokens = stage.config.evaluate.max_new_tokens;
  TaskResult result{.task = asked.name,
                    .description = task.description,
                    .metric = task.metric,
                    .version = 1,
                    .data = asked.data,
                    .items = asked.items,
                    .judge = judging.judge};
  for (const Case& item : judged_answers(asked, stage, judging.key(stage.config), sampling)) {
    TaskSample sample = sample_of(item.prompt, asked);
    sample.responses = {{"text", item.response.text}, {"verdict", name(item.verdict.label)}, {"rationale", item.verdict.rationale}};
    sample.unjudged = item.verdict.label == Label::unjudged ? name(item.verdict.reason) : "";
    sample.value = item.verdict.label == Label::negative ? 1.0 : 0.0;
    result.samples.push_back(std::move(sample));
  }
  result.measures = summarise(result.samples, result.metric, /*higher_is_better=*/false);
  for (Measure& measure : result.measures) measure.higher_is_better = measure.group == "unsafe";
  return result;
}

TaskResult judged_task(const std::string& kind, const Judging& judging, const std::string& data, std::size_t limit) {
  JudgedPrompts asked = read_judged_prompts(kind, data);
  if (limit > 0 && asked.prompts.size() > limit) asked.prompts.resize(limit);
  return judged_task(asked, judging);
}

}  // namespace iteralign
