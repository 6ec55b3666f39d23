#pragma once
// What tasks found, for a terminal.

#include <string>
#include <vector>

#include "tasks/task_result.h"

namespace iteralign {

// One line a measure: task, group, metric, value with its 95 % interval, n. Below it what was measured, and `notes`.
std::string task_table(const std::vector<TaskResult>& results, const std::vector<std::string>& notes = {});

}  // namespace iteralign
