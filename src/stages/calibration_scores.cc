#include "stages/calibration_scores.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/hash.h"

namespace iteralign {
namespace {

// Probabilities that a verdict is negative, by the true label.
struct Probabilities {
  std::vector<double> of_negatives, of_positives;

  void add(const ScoredAnswer& answer) {
    (answer.truth == Label::negative ? of_negatives : of_positives).push_back(*answer.verdict.probability);
  }
  [[nodiscard]] int size() const { return static_cast<int>(of_negatives.size() + of_positives.size()); }
  [[nodiscard]] bool have_both() const { return !of_negatives.empty() && !of_positives.empty(); }
};

int count_from(const std::vector<double>& values, double threshold) {
  return static_cast<int>(std::ranges::count_if(values, [&](double value) { return value >= threshold; }));
}

JudgeErrors errors_at(double threshold, const Probabilities& p) {
  const int positives = static_cast<int>(p.of_positives.size());
  return {.negatives = static_cast<int>(p.of_negatives.size()),
          .negatives_found = count_from(p.of_negatives, threshold),
          .positives = positives,
          .positives_found = positives - count_from(p.of_positives, threshold)};
}

std::optional<ChosenThreshold> choose_threshold(const Probabilities& on, const Probabilities& reported) {
  if (!on.have_both() || !reported.have_both()) return std::nullopt;
  const double threshold = best_threshold(on.of_negatives, on.of_positives);
  return ChosenThreshold{threshold, on.size(), errors_at(threshold, reported)};
}

}  // namespace

CalibrationScores calibration_scores(std::span<const ScoredAnswer> answers) {
  CalibrationScores found;
  Probabilities all;
  std::array<Probabilities, 2> halves;
  for (const ScoredAnswer& answer : answers) {
    if (answer.verdict.label == Label::unjudged) continue;
    if (answer.conduct != Conduct::unknown) {
      ++found.by_conduct[answer.conduct].judged;
      found.by_conduct[answer.conduct].negative += answer.verdict.label == Label::negative ? 1 : 0;
    }
    if (!answer.verdict.probability) continue;
    all.add(answer);
    halves[hash64(answer.prompt_id) % 2].add(answer);
  }
  found.area = area_under_curve(all.of_negatives, all.of_positives);
  found.chosen = choose_threshold(halves[0], halves[1]);
  return found;
}

Json rate_json(int count, int n) {
  const Rate found = wilson_rate(count, n);
  return {
      {"n", n}, {"count", count}, {"rate", n == 0 ? Json() : Json(found.rate)}, {"ci95", n == 0 ? Json() : Json({found.low, found.high})}};
}

Json to_json(const CalibrationScores& scores) {
  Json by_conduct = Json::object(), area, threshold;
  for (const auto& [conduct, called] : scores.by_conduct) by_conduct[name(conduct)] = rate_json(called.negative, called.judged);
  if (scores.area) area = {{"area", scores.area->area}, {"ci95", {scores.area->low, scores.area->high}}};
  if (const auto& chosen = scores.chosen)
    threshold = {{"value", chosen->threshold},
                 {"chosen_on", chosen->chosen_on},
                 {"sensitivity", rate_json(chosen->errors.negatives_found, chosen->errors.negatives)},
                 {"specificity", rate_json(chosen->errors.positives_found, chosen->errors.positives)}};
  return {{"called_negative", by_conduct}, {"auc", area}, {"threshold", threshold}};
}

}  // namespace iteralign
