#pragma once
// The tasks by name, as `iteralign eval` and a run's evaluation know them.

#include <functional>
#include <string>
#include <vector>

#include "iteralign/scorer.h"
#include "tasks/judged_tasks.h"
#include "tasks/task_result.h"

namespace iteralign {

struct TaskOptions {
  std::string data;       // folder that holds the published files, anywhere below it; or one file
  std::size_t limit = 0;  // the first so many items; 0: all
  bool drawn = false;     // those of the limit are drawn, with the same seed always, in place of the first
  std::function<bool()> should_stop;
  const Judging* judging = nullptr;  // for tasks whose answers are judged
};

std::vector<std::string> task_names();
bool is_task(const std::string& name);
bool needs_judge(const std::string& task);

// True for perplexity. Not for judged tasks, where it depends on the group.
bool less_is_better(const std::string& task);
// Throws what run_task would throw about the files of a task that needs no judge. Runs nothing.
void check_task_data(const std::string& task, const std::string& data);

// Error usage when there is no such task, or no judge for one that needs it; Error data when its files are missing or malformed.
TaskResult run_task(const std::string& name, Scorer& scorer, const TaskOptions& options);

}  // namespace iteralign
