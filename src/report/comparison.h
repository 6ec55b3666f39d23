#pragma once
// Two evaluations side by side, item by item: paired tests, and what flipped.

#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "statistics/bootstrap.h"
#include "statistics/tests.h"
#include "store/run_store.h"

namespace iteralign {

struct EvaluatedItem {
  std::string text;  // a line that people know it by
  double value = 0;
};

struct EvaluatedTask {
  std::string task, metric;
  bool higher_is_better = true;
  std::map<std::string, EvaluatedItem> items;  // by what makes an item the same in two evaluations; only those that count
};

struct EvaluatedSet {
  std::string name;
  std::vector<EvaluatedTask> tasks;
};

// The newest evaluation below a folder of lm-evaluation-harness's files, ours or theirs, with samples. Error data when there is none.
EvaluatedSet read_evaluation(const std::string& folder);
// The verdicts of an iteration's evaluation: of held-out red-team prompts, benign prompts and look-alikes.
EvaluatedSet run_evaluation(RunStore& store, int iteration, const std::string& name);

struct Flip {
  std::string text;
  double before = 0, after = 0;
};

struct TaskComparison {
  std::string task, metric;
  bool higher_is_better = true;
  int n = 0;                       // items of both
  double before = 0, after = 0;    // means over them
  MeanEstimate difference = {};    // after - before
  bool counts = false;             // every value is 0 or 1: the p-value is McNemar's exact one, else the paired bootstrap's
  Discordant changes = {};         // of such values: 1 -> 0, 0 -> 1
  double p_value = 1, p_holm = 1;  // the second corrected for all tasks compared
  double smallest_effect = 0;      // difference that so many items, so variable, find in four of five cases
  std::vector<Flip> flips = {};    // items with another value, the largest changes first
};

// Tasks that both have, in the order of `before`.
std::vector<TaskComparison> compare(const EvaluatedSet& before, const EvaluatedSet& after);

// `flips`: of each task so many lines of what flipped.
std::string comparison_table(const EvaluatedSet& before, const EvaluatedSet& after, const std::vector<TaskComparison>& comparisons,
                             std::size_t flips);
Json comparison_json(const EvaluatedSet& before, const EvaluatedSet& after, const std::vector<TaskComparison>& comparisons);

}  // namespace iteralign
