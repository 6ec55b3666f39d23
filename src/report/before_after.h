#pragma once
// A suite of a run's base model and of its result, in one table.

#include <string>
#include <vector>

#include "core/json.h"
#include "report/comparison.h"
#include "tasks/task_result.h"

namespace iteralign {

struct BeforeAfter {
  std::string suite;
  int iteration = 0;                      // whose weights the result is
  std::vector<TaskResult> before, after;  // of the same tasks in the same order
  Comparison comparison;                  // of their items
  std::vector<std::string> notes;         // what was not measured, or left out
};

// {"suite", "iteration", "judge", "rows", "notes"}. A row is a task or a group of one, as tables have it: {"task", "group", "metric",
// "description", "higher_is_better", "before", "after", "n", "difference", "ci95", "p", "p_holm"}, where before and after are {"value",
// "ci95", "n", "unjudged"}; from "n" on, items of both, null where a group is compared with its task only.
Json before_after_json(const BeforeAfter& both);

// For a terminal, of that JSON.
std::string before_after_table(const Json& both);

}  // namespace iteralign
