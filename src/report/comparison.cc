#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/judge_words.h"

namespace iteralign {
namespace {

struct Pair {
  const EvaluatedItem* before;
  const EvaluatedItem* after;
};

// The items that were judged in both tasks, and counts of the others.
struct Pairing {
  std::vector<Pair> pairs;
  std::size_t only_before = 0, only_after = 0, unjudged = 0;
};

Pairing pair_items(const EvaluatedTask& before, const EvaluatedTask& after) {
  Pairing pairing;
  for (const auto& [key, item] : before.items) {
    const auto other = after.items.find(key);
    if (other == after.items.end())
      ++pairing.only_before;
    else if (!item.value || !other->second.value)
      ++pairing.unjudged;
    else
      pairing.pairs.push_back({&item, &other->second});
  }
  pairing.only_after = after.items.size() - pairing.pairs.size() - pairing.unjudged;
  return pairing;
}

bool is_count(const EvaluatedItem& item) { return (*item.value == 0 || *item.value == 1) && item.weight == 1; }

// The metric of one side.
double metric(const std::vector<Pair>& pairs, const EvaluatedItem* Pair::*side, Scale scale) {
  double sum = 0, weights = 0;
  for (const Pair& pair : pairs) sum += *(pair.*side)->value, weights += (pair.*side)->weight;
  return scale == Scale::perplexity ? std::exp(sum / weights) : sum / weights;
}

std::vector<Flip> flips_of(const std::vector<Pair>& pairs, Scale scale) {
  const auto shown = [&](const EvaluatedItem& item) {
    return scale == Scale::perplexity ? std::exp(*item.value / item.weight) : *item.value / item.weight;
  };
  std::vector<Flip> flips;
  for (const auto& [before, after] : pairs)
    if (*before->value != *after->value) flips.push_back({before->text, shown(*before), shown(*after)});
  std::ranges::stable_sort(flips, std::greater(), [](const Flip& flip) { return std::abs(flip.after - flip.before); });
  return flips;
}

void test_counts(TaskComparison& result) {
  result.test = "mcnemar exact";
  result.p_value = mcnemar_exact(result.changes);
  result.interval = paired_rate_interval(result.changes, result.n);
  result.smallest_effect = smallest_rate_difference(result.changes, result.n);
}

void test_values(const std::vector<Pair>& pairs, Scale scale, TaskComparison& result) {
  std::vector<double> differences, weights;
  double squares = 0;
  for (const auto& [before, after] : pairs) {
    differences.push_back(*after->value - *before->value);
    weights.push_back(before->weight);
  }
  const ValueEstimate estimate = estimate_ratio(differences, weights);
  result.test = estimate.exact ? "sign flips, exact" : "paired bootstrap";
  result.p_value = estimate.p_value;
  if (!estimate.interval) return;
  // Losses differ by the logarithm of a ratio of perplexities.
  const auto on_scale = [&](double x) { return scale == Scale::perplexity ? result.before * std::expm1(x) : x; };
  result.interval = {on_scale(estimate.interval->low), on_scale(estimate.interval->high)};
  const bool weighted = std::ranges::any_of(weights, [](double weight) { return weight != 1; });
  if (estimate.exact || weighted || scale == Scale::perplexity) return;
  for (const double d : differences) squares += (d - estimate.mean) * (d - estimate.mean) / result.n;
  result.smallest_effect = smallest_effect(std::sqrt(squares), result.n);
}

TaskComparison compare_items(const EvaluatedTask& task, const std::vector<Pair>& pairs) {
  TaskComparison result{.task = label(task), .metric = task.metric, .higher_is_better = task.higher_is_better};
  result.n = static_cast<int>(pairs.size());
  result.before = metric(pairs, &Pair::before, task.scale);
  result.after = metric(pairs, &Pair::after, task.scale);
  result.difference = result.after - result.before;
  for (const auto& [before, after] : pairs) {
    if (*before->value > *after->value) ++result.changes.lost;
    if (*before->value < *after->value) ++result.changes.won;
  }
  result.flips = flips_of(pairs, task.scale);
  const auto counts = [](const Pair& pair) { return is_count(*pair.before) && is_count(*pair.after); };
  if (task.scale == Scale::mean && std::ranges::all_of(pairs, counts))
    test_counts(result);
  else
    test_values(pairs, task.scale, result);
  return result;
}

// Why two tasks of the same name cannot be compared; empty when they can.
std::string incomparable(const EvaluatedTask& before, const EvaluatedTask& after, const Pairing& pairing) {
  if (!before.unusable.empty() || !after.unusable.empty()) return before.unusable.empty() ? after.unusable : before.unusable;
  if (!before.version.is_null() && !after.version.is_null() && before.version != after.version)
    return fmt::format("version {} of the task against version {}", dump_json(before.version), dump_json(after.version));
  if (pairing.pairs.empty() && pairing.unjudged > 0) return fmt::format("no item was judged in both, of {} in common", pairing.unjudged);
  if (pairing.pairs.empty()) return fmt::format("no item of {} is among the other's {}", before.items.size(), after.items.size());
  if (std::ranges::any_of(pairing.pairs, [](const Pair& pair) { return pair.before->weight != pair.after->weight; }))
    return "the same texts have other numbers of tokens: such perplexities do not compare";
  return {};
}

void note_what_is_special(const EvaluatedTask& before, const EvaluatedTask& after, const Pairing& pairing,
                          std::vector<std::string>& notes) {
  const std::string task = label(before) + " (" + before.metric + ")";
  if (before.judge != after.judge)
    notes.push_back(fmt::format("{}: two judges, so no comparison of models alone: {}; and {}", task, judge_words(before.judge),
                                judge_words(after.judge)));
  if (pairing.only_before + pairing.only_after > 0)
    notes.push_back(
        fmt::format("{}: {} items of the first and {} of the second have no partner", task, pairing.only_before, pairing.only_after));
  if (pairing.unjudged > 0) notes.push_back(fmt::format("{}: {} items were not judged in both", task, pairing.unjudged));
}

bool is_same_task(const EvaluatedTask& a, const EvaluatedTask& b) {
  return a.task == b.task && a.filter == b.filter && a.metric == b.metric;
}

void note_tasks_of_one(const EvaluatedSet& these, const EvaluatedSet& those, const char* which, std::vector<std::string>& notes) {
  for (const EvaluatedTask& task : these.tasks)
    if (std::ranges::none_of(those.tasks, [&](const EvaluatedTask& other) { return is_same_task(task, other); }))
      notes.push_back(fmt::format("{} ({}): only the {} has it", label(task), task.metric, which));
}

}  // namespace

Comparison compare(const EvaluatedSet& before, const EvaluatedSet& after) {
  Comparison all;
  for (const EvaluatedTask& task : before.tasks) {
    const auto other = std::ranges::find_if(after.tasks, [&](const EvaluatedTask& t) { return is_same_task(t, task); });
    if (other == after.tasks.end()) continue;
    const Pairing pairing = pair_items(task, *other);
    if (const std::string reason = incomparable(task, *other, pairing); !reason.empty()) {
      all.notes.push_back(fmt::format("{} ({}) is left out: {}", label(task), task.metric, reason));
      continue;
    }
    note_what_is_special(task, *other, pairing, all.notes);
    all.tasks.push_back(compare_items(task, pairing.pairs));
  }
  for (const EvaluatedSet* set : {&before, &after})
    for (const std::string& warning : set->warnings) all.notes.push_back(set->name + ": " + warning);
  note_tasks_of_one(before, after, "first", all.notes);
  note_tasks_of_one(after, before, "second", all.notes);
  std::vector<double> p_values;
  for (const TaskComparison& comparison : all.tasks) p_values.push_back(comparison.p_value);
  const std::vector<double> adjusted = holm(p_values);
  for (std::size_t i = 0; i < all.tasks.size(); ++i) all.tasks[i].p_holm = adjusted[i];
  return all;
}

}  // namespace iteralign
