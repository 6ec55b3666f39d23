#pragma once
// What a task found: rates with their n and intervals, and every item.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "statistics/paired.h"

namespace iteralign {

// One number, of all items or of a group of them.
struct Measure {
  std::string metric;  // "acc", "negative_rate", "refusal_rate", "perplexity", ...
  std::string group;   // empty: all items
  bool higher_is_better = true;
  int n = 0;         // items that count
  int unjudged = 0;  // items that do not, because no verdict could be had
  // Nothing where no item counts. No interval where the items are too few or too much alike.
  std::optional<double> value = {};
  std::optional<Interval> interval = {};    // 95 %
  std::map<std::string, int> reasons = {};  // of the unjudged, by name
};

// "9 of 12 answers were not judged, most often because: unparsable (7)"; empty where most were.
std::string unjudged_warning(const Measure& measure);

struct TaskSample {
  std::string group;
  Json doc;                   // the item as its file has it
  Json target;                // what is right
  Json arguments;             // what the model was asked
  Json responses;             // what it gave
  std::string unjudged = {};  // why it does not count; empty: it does
  double value = 0.0;         // of the task's metric
};

struct TaskResult {
  std::string task;
  std::string description;
  std::string metric;  // that of the samples and of the first measure
  int version = 0;
  std::string data = {};               // the file that was read
  std::string edition = {};            // of that file, where several are published
  std::size_t items = 0;               // in it; the samples may be fewer
  std::string judge = {};              // whose verdicts they are; empty: nobody's
  std::vector<Measure> measures = {};  // all items first, then the groups in the order of the file
  std::vector<TaskSample> samples = {};
  double seconds = 0.0;
};

// Mean of the samples that count, overall and by group. Values that are all 0 or 1 get Wilson's interval, others that of their mean.
std::vector<Measure> summarise(const std::vector<TaskSample>& samples, const std::string& metric, bool higher_is_better);

}  // namespace iteralign
