#include "tasks/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "tasks/hhh.h"
#include "tasks/judged_tasks.h"
#include "tasks/perplexity.h"
#include "tasks/truthfulqa.h"

namespace iteralign {
namespace {

constexpr const char* kPerplexity = "perplexity";

// The published file at or below `data`. Where there are several, the one in a folder v1 (the TruthfulQA that lm-evaluation-harness reads),
// else the deepest.
std::string find_file(const std::string& data, const std::vector<std::string>& names, const std::string& task) {
  if (!exists(data)) throw Error(ErrorKind::data, "there is no such file or folder", data, "it is to have the files of " + task);
  if (!is_directory(data)) return data;
  for (const std::string& name : names) {
    std::vector<std::string> found;
    for (const std::string& path : list_files(data))
      if (path.ends_with("/" + name)) found.push_back(path);
    if (found.empty()) continue;
    const std::string chosen = *std::ranges::max_element(
        found, {}, [&](const std::string& path) { return std::pair(path.ends_with("/v1/" + name), std::ranges::count(path, '/')); });
    if (found.size() > 1)
      log_info("{}: of {} files {} below {} this one is read: {}; --data {}=FILE names another", task, found.size(), name, data, chosen,
               task);
    return chosen;
  }
  throw Error(ErrorKind::data, "there is no " + join(names, " or ") + " below this folder", data,
              "--data names the folder with the files of " + task);
}

// The folder that holds the four subsets.
std::string hhh_folder(const std::string& data) {
  const std::filesystem::path file = find_file(data, {"harmless/task.json"}, "hhh");
  return file.parent_path().parent_path().string();
}

std::pair<std::string, Variant> split_variant(const std::string& name) {
  for (const Variant variant : {Variant::paper, Variant::fixed}) {
    const std::string end = suffix(variant);
    if (name.ends_with(end)) return {name.substr(0, name.size() - end.size()), variant};
  }
  return {name, Variant::lm_eval};
}

struct FoundTask {
  ChoiceTask task;
  std::string data;
};

FoundTask choice_task(const std::string& name, const std::string& data) {
  const auto [base, variant] = split_variant(name);
  if (base == "hhh") {
    const std::string folder = hhh_folder(data);
    return {hhh(folder, variant), folder};
  }
  check_truthfulqa_variant(base, variant);
  const std::string file = find_file(data, {"mc_task.json", "TruthfulQA.csv"}, name);
  if (base == "truthfulqa_mc0") return {truthfulqa_mc0(file, variant), file};
  return {base == "truthfulqa_mc1" ? truthfulqa_mc1(file, variant) : truthfulqa_mc2(file, variant), file};
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
          .unjudged = {},
          .value = outcome.count};
}

TaskResult run_choice_task(FoundTask found, Scorer& scorer, const TaskOptions& options) {
  ChoiceTask& task = found.task;
  const std::size_t items = task.items.size();
  if (options.drawn) Random(derive_seed(0, task.name)).shuffle(task.items);
  if (options.limit > 0 && task.items.size() > options.limit) task.items.resize(options.limit);
  Progress progress(task.name, static_cast<std::int64_t>(task.items.size()), "items");
  const auto outcomes = answer(
      task, scorer, [&] { progress.add(); }, options.should_stop);
  TaskResult result{.task = task.name,
                    .description = task.description,
                    .metric = task.metric,
                    .version = task.version,
                    .data = found.data,
                    .edition = task.edition,
                    .items = items};
  for (std::size_t i = 0; i < task.items.size(); ++i) result.samples.push_back(sample_of(task.items[i], outcomes[i]));
  result.measures = summarise(result.samples, task.metric, /*higher_is_better=*/true);
  return result;
}

}  // namespace

std::vector<std::string> task_names() {
  std::vector<std::string> names = {"truthfulqa_mc0",
                                    "truthfulqa_mc0_fixed",
                                    "truthfulqa_mc1",
                                    "truthfulqa_mc1_paper",
                                    "truthfulqa_mc1_fixed",
                                    "truthfulqa_mc2",
                                    "truthfulqa_mc2_fixed",
                                    "hhh",
                                    "hhh_paper",
                                    "hhh_fixed",
                                    kPerplexity};
  for (std::string& name : judged_task_names()) names.push_back(std::move(name));
  return names;
}

bool is_task(const std::string& name) {
  const std::vector<std::string> names = task_names();
  return std::ranges::find(names, name) != names.end();
}

bool needs_judge(const std::string& task) {
  const std::vector<std::string> judged = judged_task_names();
  return std::ranges::find(judged, task) != judged.end();
}

bool less_is_better(const std::string& task) { return task == kPerplexity; }

void check_task_data(const std::string& task, const std::string& data) {
  if (task == kPerplexity)
    read_documents(data);
  else
    choice_task(task, data);
}

TaskResult run_task(const std::string& name, Scorer& scorer, const TaskOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  TaskResult result;
  if (name != "truthfulqa_mc0_paper" && name != "truthfulqa_mc2_paper" && !is_task(name))
    throw Error(ErrorKind::usage, "there is no task `" + name + "`", "--tasks", "one of: " + join(task_names(), ", "));
  if (name == kPerplexity) {
    result = perplexity(options.data, options.limit, scorer, options.should_stop);
  } else if (needs_judge(name)) {
    if (options.judging == nullptr)
      throw Error(ErrorKind::usage, "its answers are judged, so it needs an oracle", name, "give --config, a configuration that names one");
    result = judged_task(name, *options.judging, options.data, options.limit);
  } else {
    result = run_choice_task(choice_task(name, options.data), scorer, options);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace iteralign
