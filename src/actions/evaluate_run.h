#pragma once
// A suite of what a run began with and what it made of it.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "iteralign/config.h"

namespace iteralign {

struct RunEvaluation {
  std::string folder;  // of the run
  std::string suite;
  std::vector<std::string> data;  // folders, as SuiteOptions has them
  std::size_t limit = 0;
  std::optional<Config> judged_by = {};  // nothing: the run's own oracle
};

// Evaluates base model and result, of the run's configuration, by the suite without what the run has trained on or chosen by, and compares
// them item by item. Answers, verdicts and lm-evaluation-harness's files are kept in FOLDER/<suite>, the table in the run's store, and so
// in its report and summary. Returns what before_after_json() makes. Throws what run_model() and evaluate_model() throw.
Json evaluate_run(const RunEvaluation& wanted);

}  // namespace iteralign
