#pragma once
// What tasks found, for a terminal.

#include <string>
#include <vector>

#include "tasks/task_result.h"

namespace iteralign {

// One line a measure: task, group, metric, value with its 95 % interval, n.
std::string task_table(const std::vector<TaskResult>& results);

}  // namespace iteralign
