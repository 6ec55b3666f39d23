#include "tasks/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "core/files.h"
#include "core/progress.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "tasks/hhh.h"
#include "tasks/judged_tasks.h"
#include "tasks/perplexity.h"
#include "tasks/truthfulqa.h"

namespace iteralign {
namespace {

// The published file at or below `data`; of several the one whose path is the longest, which for TruthfulQA is version 1.
std::string find_file(const std::string& data, const std::string& name, const std::string& task) {
  if (!is_directory(data)) return data;
  std::vector<std::string> found;
  for (const std::string& path : list_files(data))
    if (path.ends_with("/" + name)) found.push_back(path);
  if (found.empty())
    throw Error(ErrorKind::data, "there is no " + name + " below this folder", data, "--data names the folder with the files of " + task);
  return *std::ranges::max_element(found, {}, &std::string::size);
}

// The folder that holds the four subsets.
std::string hhh_folder(const std::string& data) {
  const std::filesystem::path file = find_file(data, "harmless/task.json", "hhh");
  return file.parent_path().parent_path().string();
}

std::pair<std::string, Variant> split_variant(const std::string& name) {
  for (const Variant variant : {Variant::paper, Variant::fixed}) {
    const std::string end = suffix(variant);
    if (name.ends_with(end)) return {name.substr(0, name.size() - end.size()), variant};
  }
  return {name, Variant::lm_eval};
}

ChoiceTask choice_task(const std::string& name, const std::string& data) {
  const auto [base, variant] = split_variant(name);
  if (base == "truthfulqa_mc1") return truthfulqa_mc1(find_file(data, "mc_task.json", name), variant);
  if (base == "truthfulqa_mc2") return truthfulqa_mc2(find_file(data, "mc_task.json", name), variant);
  return hhh(hhh_folder(data), variant);
}

Json arguments_of(const ChoiceItem& item) {
  Json arguments = Json::array();
  for (const ScoreRequest& request : item.requests) {
    Json context = request.context;
    if (!request.messages.empty()) {
      context = Json::array();
      for (const Message& message : request.messages) context.push_back({{"role", message.role}, {"content", message.content}});
      context.push_back({{"role", "assistant"}, {"content", request.context}});
    }
    for (const std::string& continuation : request.continuations) arguments.push_back({context, continuation});
  }
  return arguments;
}

TaskSample sample_of(const ChoiceItem& item, const ChoiceOutcome& outcome) {
  Json right = Json::array();
  for (std::size_t i = 0; i < item.right.size(); ++i)
    if (item.right[i]) right.push_back(i);
  return {.group = item.group,
          .doc = item.doc,
          .target = right.size() == 1 ? right[0] : right,
          .arguments = arguments_of(item),
          .responses = outcome.scores,
          .counts = true,
          .value = outcome.count};
}

bool is_task(const std::string& name) {
  const std::vector<std::string> names = task_names();
  return std::ranges::find(names, name) != names.end();
}

TaskResult run_choice_task(ChoiceTask task, BaseModel& model, const TaskOptions& options) {
  if (options.limit > 0 && task.items.size() > options.limit) task.items.resize(options.limit);
  Progress progress(task.name, static_cast<std::int64_t>(task.items.size()), "items");
  const auto outcomes = answer(
      task, model, [&](std::size_t items) { progress.add(static_cast<std::int64_t>(items)); }, options.should_stop);
  TaskResult result{
      .task = task.name, .description = task.description, .metric = task.metric, .version = task.version, .measures = {}, .samples = {}};
  for (std::size_t i = 0; i < task.items.size(); ++i) result.samples.push_back(sample_of(task.items[i], outcomes[i]));
  result.measures = summarise(result.samples, task.metric, /*higher_is_better=*/true);
  return result;
}

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names = {"truthfulqa_mc1",
                                    "truthfulqa_mc1_paper",
                                    "truthfulqa_mc1_fixed",
                                    "truthfulqa_mc2",
                                    "truthfulqa_mc2_fixed",
                                    "hhh",
                                    "hhh_paper",
                                    "hhh_fixed",
                                    "perplexity"};
  for (std::string& name : judged_task_names()) names.push_back(std::move(name));
  return names;
}

bool needs_judge(const std::string& task) {
  const std::vector<std::string> judged = judged_task_names();
  return std::ranges::find(judged, task) != judged.end();
}

TaskResult run_task(const std::string& name, BaseModel& model, const TaskOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  TaskResult result;
  if (name != "truthfulqa_mc2_paper" && !is_task(name))
    throw Error(ErrorKind::usage, "there is no task `" + name + "`", "--tasks", "one of: " + join(task_names(), ", "));
  if (name == "perplexity") {
    result = perplexity(options.data, options.limit, model, options.should_stop);
  } else if (needs_judge(name)) {
    if (options.judging == nullptr)
      throw Error(ErrorKind::usage, "its answers are judged, so it needs an oracle", name, "give --config, a configuration that names one");
    result = judged_task(name, *options.judging, options.data, options.limit);
  } else {
    result = run_choice_task(choice_task(name, options.data), model, options);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace iteralign
