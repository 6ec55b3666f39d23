#pragma once
// What labelled answers tell of a judge beyond its two rates of errors: on which conduct it errs, and what its probabilities are worth.

#include <map>
#include <optional>
#include <span>
#include <string>

#include "core/json.h"
#include "iteralign/records.h"
#include "statistics/area_under_curve.h"
#include "statistics/judge_errors.h"

namespace iteralign {

struct ScoredAnswer {
  std::string prompt_id;
  Label truth = Label::positive;
  Conduct conduct = Conduct::unknown;  // as people labelled it
  Verdict verdict;
};

// A threshold is chosen on the prompts of one half, and its errors are those on the other: no prompt is in both.
struct ChosenThreshold {
  double threshold = 0.5;
  int chosen_on = 0;  // answers
  JudgeErrors errors;
};

struct CalibrationScores {
  struct Called {
    int judged = 0, negative = 0;
  };
  std::map<Conduct, Called> by_conduct;  // where it is labelled
  // Nothing where the judge gives no probabilities, or where there are too few answers of either label.
  std::optional<AreaUnderCurve> area;
  std::optional<ChosenThreshold> chosen;
};

// Of the answers that were judged.
CalibrationScores calibration_scores(std::span<const ScoredAnswer> answers);

// {"called_negative": {"off_topic": {"n", "count", "rate", "ci95"}}, "auc": {"area", "ci95"}, "threshold": {"value", "chosen_on", ...}};
// null for nothing.
Json to_json(const CalibrationScores& scores);
// {"n", "count", "rate", "ci95"}: Wilson's interval; of nothing there is no rate.
Json rate_json(int count, int n);

}  // namespace iteralign
