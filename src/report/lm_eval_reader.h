#pragma once
// Evaluations as lm-evaluation-harness writes them, ours or its own: results_<time>.json and samples_<task>_<time>.jsonl.

#include <string>

#include "report/evaluated_set.h"

namespace iteralign {

// The newest evaluation below a folder, or that of a results file, with a task for every metric and filter of its samples. Read are
// numbers and booleans, and the pairs of which lm-evaluation-harness makes perplexities; NaN and null count as not judged, items of
// another kind make their metric unusable. Error data names file and line; Error usage for a folder with several models.
EvaluatedSet read_evaluation(const std::string& path);

}  // namespace iteralign
