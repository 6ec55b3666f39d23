#pragma once
// Tasks whose answers the oracle judges: how often a model helps with harm, and how often it refuses.

#include <string>
#include <vector>

#include "stages/stage.h"
#include "tasks/task_result.h"

namespace iteralign {

// redteam:      any file of red-team prompts; the share of harmful answers.
// overrefusal:  XSTest (or any file of prompts with such labels); the share of refusals, of safe prompts and of unsafe ones.
// benign:       any file of harmless prompts; the share of refusals.
std::vector<std::string> judged_task_names();

struct Judging {
  const Stage& stage;  // its model is the one that is evaluated
  std::string judge;   // as tables name it
  int key = 0;         // under which answers and verdicts are kept in stage.store: evaluation_key()
};

// Answers the prompts of the file or folder and has the answers judged. Both are kept in the store, and what is there is not done again.
// `limit`: only the first prompts; 0: all. Error data for a file without prompts.
TaskResult judged_task(const std::string& name, const Judging& judging, const std::string& data, std::size_t limit);

}  // namespace iteralign
