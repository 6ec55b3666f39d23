#pragma once
// What a task found: rates with their n and intervals, and every item.

#include <string>
#include <vector>

#include "core/json.h"

namespace iteralign {

// One number, of all items or of a group of them.
struct Measure {
  std::string metric;  // "acc", "negative_rate", "refusal_rate", "perplexity", ...
  std::string group;   // empty: all items
  bool higher_is_better = true;
  int n = 0;         // items that count
  int unjudged = 0;  // items that do not, because no verdict could be had
  double value = 0.0;
  double low = 0.0, high = 0.0;  // 95 %
};

struct TaskSample {
  std::string group;
  Json doc;            // the item as its file has it
  Json target;         // what is right
  Json arguments;      // what the model was asked
  Json responses;      // what it gave
  bool counts = true;  // false: unjudged
  double value = 0.0;  // of the task's metric
};

struct TaskResult {
  std::string task;
  std::string description;
  std::string metric;  // that of the samples and of the first measure
  int version = 0;
  std::vector<Measure> measures;  // all items first, then the groups in the order of the file
  std::vector<TaskSample> samples;
  double seconds = 0.0;
};

// Mean of the samples that count, overall and by group. Values that are all 0 or 1 get Wilson's interval, others a bootstrap's.
std::vector<Measure> summarise(const std::vector<TaskSample>& samples, const std::string& metric, bool higher_is_better);

}  // namespace iteralign
