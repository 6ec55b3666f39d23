#pragma once
// Benchmarks of a model, with the oracle of a configuration as the judge where answers are judged.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "iteralign/base_model.h"
#include "iteralign/config.h"
#include "iteralign/records.h"
#include "report/lm_eval_files.h"
#include "tasks/task_result.h"

namespace iteralign {

struct ModelEvaluation {
  ModelOptions model;
  std::vector<std::string> tasks;
  std::vector<std::string> data;  // PATH or TASK=PATH, as TaskData reads them
  std::size_t limit = 0;          // the first so many items of each task; 0: all
  std::string suite = {};         // in place of the tasks; its data are folders, its limit and `seen` those of SuiteOptions
  std::optional<std::vector<Prompt>> seen = {};
  std::optional<Config> judged_by = {};  // nothing: no task may need a judge
  std::string out = {};                  // folder for lm-evaluation-harness's files and what was answered; empty: nothing is kept
  std::vector<std::string> inputs = {};  // that are read beside model and data: nothing is written over them
  bool overwrite = false;
};

struct ModelResults {
  std::vector<TaskResult> tasks;
  EvaluationInfo info;
  std::string file = {};  // that lm-evaluation-harness's results were written to; empty: nothing is kept
};

// Error usage before any work for tasks without data, for a suite without a judge and where something is in the way of `out`; then what
// run_task() and run_suite() throw.
ModelResults evaluate_model(const ModelEvaluation& wanted);

}  // namespace iteralign
