#pragma once
// Results of tasks in the files of lm-evaluation-harness, which its viewers open: results_<time>.json and samples_<task>_<time>.jsonl.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "tasks/task_result.h"

namespace iteralign {

// What was evaluated, and how.
struct EvaluationInfo {
  std::string model;          // folder or org/name
  std::string adapter;        // or empty
  std::string description;    // BaseModel::description()
  std::string chat_template;  // or empty
  std::string version;        // of the program
  std::size_t limit = 0;      // 0: all items
  std::int64_t start = 0;     // seconds since 1970
  double seconds = 0.0;
  std::vector<std::string> notes = {};  // what was not measured, or left out
};

// The results object. Beside lm-evaluation-harness's keys a task has "<metric>_low95,none" and "<metric>_high95,none", where some were not
// judged "unjudged,none" and "unjudged_reasons,none", and in the metadata of its configuration data, items, edition and judge; beside all
// of them stand the "notes". A metric of no item is null.
Json lm_eval_results(const std::vector<TaskResult>& results, const EvaluationInfo& info);

// One line of a samples file.
Json lm_eval_sample(const TaskResult& result, std::size_t index);

// Writes both kinds of files into `folder`/<model name>/; gives the path of the results file.
std::string write_lm_eval_files(const std::string& folder, const std::vector<TaskResult>& results, const EvaluationInfo& info);

}  // namespace iteralign
