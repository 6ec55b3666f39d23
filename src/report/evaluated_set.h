#pragma once
// What an evaluation says of each item, so that two can be compared.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "store/run_store.h"

namespace iteralign {

struct EvaluatedItem {
  std::string text;             // a line that people know it by
  std::optional<double> value;  // nothing: not judged, or no number
  double weight = 1;            // tokens, where the metric is a mean over them
  bool operator==(const EvaluatedItem&) const = default;
};

enum class Scale {
  mean,        // the metric is the weighted mean of the values
  perplexity,  // its exponential: the values are losses
};

struct EvaluatedTask {
  std::string task, filter, metric;  // filter: how an answer was read, empty where there is one way
  std::optional<bool> higher_is_better = {};
  Scale scale = Scale::mean;
  Json version = {};                                // of the task's definition; null: not known
  std::string judge = {};                           // whose verdicts they are; empty: nobody's
  std::string unusable = {};                        // why its items cannot be compared; empty: they can
  std::map<std::string, EvaluatedItem> items = {};  // by what is asked, never by where it was read
};

struct EvaluatedSet {
  std::string name;
  std::vector<EvaluatedTask> tasks;
  std::vector<std::string> warnings = {};  // what must stand beside its figures
};

// "gsm8k, strict-match"
std::string label(const EvaluatedTask& task);

// The verdicts of an iteration's evaluation: of held-out red-team prompts, benign prompts, look-alikes and twins, those that were measured.
EvaluatedSet run_evaluation(RunStore& store, int iteration, const std::string& name, const std::string& judge);

}  // namespace iteralign
