#pragma once
// Two evaluations side by side, item by item: paired tests, and what flipped.

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "report/evaluated_set.h"
#include "statistics/paired.h"

namespace iteralign {

struct Flip {
  std::string text;
  double before = 0, after = 0;
};

struct TaskComparison {
  std::string task, metric;  // task: with its filter
  std::optional<bool> higher_is_better = {};
  int n = 0;                                   // items of both, more than 0
  double before = 0, after = 0;                // the metric over them
  double difference = 0;                       // after - before
  std::optional<Interval> interval = {};       // of the difference, 95 %; nothing: so few or so equal items do not tell
  const char* test = "";                       // which one the p-value is of
  Discordant changes = {};                     // items that went down, and up
  double p_value = 1, p_holm = 1;              // the second corrected for all tasks compared
  std::optional<double> smallest_effect = {};  // difference that so many items find in four of five cases; nothing: none, or not known
  std::vector<Flip> flips = {};                // items with another value, the largest changes first
};

struct Comparison {
  std::vector<TaskComparison> tasks;  // those that both have, in the order of `before`
  std::vector<std::string> notes;     // what was left out and why, what has no partner, what was judged by another judge
};

Comparison compare(const EvaluatedSet& before, const EvaluatedSet& after);

// `flips`: of each task so many lines of what flipped.
std::string comparison_table(const EvaluatedSet& before, const EvaluatedSet& after, const Comparison& comparison, std::size_t flips);
Json comparison_json(const EvaluatedSet& before, const EvaluatedSet& after, const Comparison& comparison);

}  // namespace iteralign
