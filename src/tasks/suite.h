#pragma once
// Suites: many measures of one thing in one table. `safety`: harmful requests from several sources, jailbreaks, drawn answers, refusals of
// what only looks harmful, and what the model knows and prefers.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tasks/judged_tasks.h"

namespace iteralign {

inline constexpr const char* kSafetySuite = "safety";  // its name, and the key of meta under which a run keeps its before and after
std::vector<std::string> suite_names();

struct SuiteOptions {
  std::vector<std::string> folders;  // that hold the published files, anywhere below them; of a file that several have the first counts
  std::size_t limit = 0;             // items of each task, drawn with the same seed always; 0: as many as each task has by default
  std::optional<std::vector<Prompt>> seen = {};  // what the model was trained on or chosen by; nothing: not known
};

// A task without judge: of run_task().
struct ScoredTask {
  std::string name, data;
  std::size_t limit;
};

// What a suite asks, the same for every model.
struct Suite {
  std::vector<JudgedPrompts> judged;
  std::optional<JudgedPrompts> drawn;  // of safe_in_k()
  std::vector<ScoredTask> scored;
  std::vector<std::string> notes;  // what is not measured, and what was left out because the model has seen it
};

// Prompts that are near duplicates of one that the model has seen are left out, and so is each family of jailbreaks of which it has seen
// one. Error usage when there is no such suite, or none of its files; Error data for what is malformed.
Suite read_suite(const std::string& name, const SuiteOptions& options);

std::vector<TaskResult> run_suite(const Suite& suite, Scorer& scorer, const Judging& judging, const std::function<bool()>& should_stop);

}  // namespace iteralign
