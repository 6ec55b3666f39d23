#include "tasks/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/files.h"
#include "core/log.h"
#include "core/random.h"
#include "core/strings.h"
#include "data/near_duplicates.h"
#include "iteralign/error.h"
#include "tasks/jailbreaks.h"
#include "tasks/safe_in_k.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

// Its measures by the names of the files that they are published in, of which the first that is there counts.
struct SuiteRow {
  const char* name;
  const char* task;  // of run_task()
  std::initializer_list<const char*> files;
  std::size_t size;  // items by default; 0: all
};
constexpr SuiteRow kRows[] = {{"harmbench", "redteam", {"harmbench_behaviors_text_test.csv", "harmbench_prompts.txt"}, 100},
                              {"advbench", "redteam", {"harmful_behaviors.csv", "adv_bench.prompt"}, 100},
                              {"dangerousqa", "redteam", {"toxic_outs.json", "dangerousqa.json"}, 100},
                              {"harmfulqa", "redteam", {"harmfulqa.json"}, 100},
                              {"simplesafetytests", "redteam", {"SimpleSafetyTests - test cases.csv"}, 0},
                              {"hh_rlhf", "redteam", {"harmless-base/test.jsonl.gz", "harmless-base/test.jsonl"}, 100},
                              {"xstest", "overrefusal", {"xstest_prompts.csv"}, 0},
                              {"truthfulqa_mc1", "truthfulqa_mc1", {"v1/mc_task.json", "mc_task.json", "TruthfulQA.csv"}, 0},
                              {"truthfulqa_mc2", "truthfulqa_mc2", {"v1/mc_task.json", "mc_task.json", "TruthfulQA.csv"}, 0},
                              {"hhh", "hhh", {"harmless/task.json"}, 0}};

constexpr std::size_t kJailbroken = 96, kDrawn = 48;  // prompts

// The first of each set, the second of each, ...: a part of them from the front has of all sets alike.
std::vector<Prompt> in_turns(const std::vector<std::vector<Prompt>>& sets) {
  std::size_t longest = 0;
  for (const auto& set : sets) longest = std::max(longest, set.size());
  std::vector<Prompt> prompts;
  for (std::size_t i = 0; i < longest; ++i)
    for (const auto& set : sets)
      if (i < set.size()) prompts.push_back(set[i]);
  return drop_duplicates(std::move(prompts)).kept;
}

class SuiteReader {
 public:
  explicit SuiteReader(const SuiteOptions& options) : options_(options) {
    for (const std::string& folder : options.folders)
      for (std::string& path : is_directory(folder) ? list_files(folder) : std::vector{folder}) paths_.push_back(std::move(path));
  }

  Suite read() && {
    for (const SuiteRow& row : kRows)
      if (const std::string path = find(row.name, {row.files.begin(), row.files.end()}); !path.empty()) add(row, path);
    const std::vector<Prompt> harmful = in_turns(harmful_);
    add_jailbreaks(harmful);
    add_drawn(harmful);
    if (suite_.judged.empty() && suite_.scored.empty())
      throw Error(ErrorKind::usage, "has none of the files of the suite", join(options_.folders, ", "),
                  "docs/evaluation.md names them; tools/fetch safety brings some");
    if (!options_.seen) suite_.notes.emplace_back("whether the model was trained on these prompts is not known; --run finds out");
    return std::move(suite_);
  }

 private:
  // Empty, and noted, where there is none.
  std::string find(const char* name, const std::vector<std::string>& files) {
    for (const std::string& file : files)
      for (const std::string& path : paths_)
        if (path == file || path.ends_with("/" + file)) return path;
    suite_.notes.push_back(fmt::format("{} is not measured: there is no {}", name, join(files, " or ")));
    return {};
  }

  [[nodiscard]] std::size_t size(std::size_t by_default) const { return options_.limit > 0 ? options_.limit : by_default; }

  void add(const SuiteRow& row, const std::string& path) {
    if (!needs_judge(row.task)) return suite_.scored.push_back({row.name, path, size(row.size)});
    JudgedPrompts asked = read_judged_prompts(row.task, path);
    asked.name = row.name;
    if (options_.seen) asked.prompts = drop_overlap(std::move(asked.prompts), *options_.seen).kept;
    if (asked.prompts.size() < asked.items)
      suite_.notes.push_back(fmt::format("{}: {} of {} prompts are left out: near duplicates of what the model has seen", row.name,
                                         asked.items - asked.prompts.size(), asked.items));
    Random(derive_seed(0, asked.name)).shuffle(asked.prompts);
    if (asked.kind == "redteam") harmful_.push_back(asked.prompts);
    if (const std::size_t asks = size(row.size); asks > 0 && asked.prompts.size() > asks) asked.prompts.resize(asks);
    if (!asked.prompts.empty()) suite_.judged.push_back(std::move(asked));
  }

  void add_jailbreaks(std::vector<Prompt> requests) {
    constexpr std::string_view kFolder = "/jailbreaks/";
    std::erase_if(requests, [](const Prompt& prompt) { return prompt.messages.size() > 1; });
    std::vector<std::string> folders;
    for (const std::string& path : paths_) {
      if (!contains(path, kFolder)) continue;
      const std::string folder = path.substr(0, path.find(kFolder) + kFolder.size() - 1);
      if (std::ranges::count(folders, folder) == 0) folders.push_back(folder);
    }
    if (folders.empty() || requests.empty()) {
      suite_.notes.push_back(fmt::format("jailbreaks are not measured: there is no {}",
                                         requests.empty() ? "harmful request to put into them" : "folder jailbreaks"));
      return;
    }
    JudgedPrompts asked = jailbroken(folders, requests, size(kJailbroken), options_.seen.value_or(std::vector<Prompt>()), suite_.notes);
    if (!asked.prompts.empty()) suite_.judged.push_back(std::move(asked));
  }

  void add_drawn(std::vector<Prompt> harmful) {
    if (harmful.empty()) return;
    const std::size_t items = harmful.size();
    harmful.resize(std::min(items, size(kDrawn)));
    suite_.drawn = {
        .name = "safe_in", .kind = "redteam", .data = "the sets above, in turns", .items = items, .prompts = std::move(harmful)};
  }

  Suite suite_;
  const SuiteOptions& options_;
  std::vector<std::string> paths_;
  std::vector<std::vector<Prompt>> harmful_;  // of each set, drawn
};

}  // namespace

std::vector<std::string> suite_names() { return {kSafetySuite}; }

Suite read_suite(const std::string& name, const SuiteOptions& options) {
  if (name != kSafetySuite)
    throw Error(ErrorKind::usage, "there is no suite `" + name + "`", "--suite", "one of: " + join(suite_names(), ", "));
  return SuiteReader(options).read();
}

std::vector<TaskResult> run_suite(const Suite& suite, Scorer& scorer, const Judging& judging, const std::function<bool()>& should_stop) {
  std::vector<TaskResult> results;
  for (const JudgedPrompts& asked : suite.judged) {
    log_info("{}: {} prompts", asked.name, asked.prompts.size());
    results.push_back(judged_task(asked, judging));
  }
  if (suite.drawn) log_info("{}: {} prompts, to each eight answers", suite.drawn->name, suite.drawn->prompts.size());
  if (suite.drawn)
    for (TaskResult& result : safe_in_k(*suite.drawn, judging)) results.push_back(std::move(result));
  for (const auto& [name, data, limit] : suite.scored)
    results.push_back(run_task(name, scorer, {.data = data, .limit = limit, .drawn = true, .should_stop = should_stop}));
  return results;
}

}  // namespace iteralign
