#pragma once
// Tasks whose answers the oracle judges: how often a model helps with harm, and how often it refuses.

#include <functional>
#include <map>
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
  // Under which answers that are drawn as a configuration says, and their verdicts, are kept in stage.store: evaluation_key().
  std::function<int(const Config&)> key = [](const Config&) { return 0; };
};

// What such a task asks.
struct JudgedPrompts {
  std::string name;       // of the task, as tables have it
  std::string kind;       // one of judged_task_names(): what is asked about an answer
  std::string data;       // the file or folder that was read
  std::size_t items = 0;  // in it; the prompts may be fewer
  std::vector<Prompt> prompts;
  std::map<std::string, std::string> groups = {};  // by prompt id, of those that are reported together too
  std::map<std::string, Messages> requests = {};   // by prompt id: what the judge is told was asked, where the prompt says more
};

// All prompts of the file or folder, each once. Error data for one without prompts.
JudgedPrompts read_judged_prompts(const std::string& kind, const std::string& data);

// Answers the prompts and has the answers judged. Both are kept in the store, and what is there is not done again.
std::vector<Case> judged_answers(const JudgedPrompts& asked, const Stage& stage, int key, const Sampling& sampling);
TaskResult judged_task(const JudgedPrompts& asked, const Judging& judging);
// The same for the first prompts of a file or folder; 0: all.
TaskResult judged_task(const std::string& kind, const Judging& judging, const std::string& data, std::size_t limit);

// How a case's item stands in a result; what it gave, and the value, are the task's.
TaskSample sample_of(const Prompt& prompt, const JudgedPrompts& asked);

}  // namespace iteralign
