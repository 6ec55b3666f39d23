#pragma once
// How wrong a judge is, measured on labelled answers, and what that does to the rates that it reports.

#include <vector>

#include "iteralign/records.h"

namespace iteralign {

// Of labelled answers: how many are negative and found so, how many are positive and found so.
struct JudgeErrors {
  int negatives = 0, negatives_found = 0;
  int positives = 0, positives_found = 0;

  [[nodiscard]] double sensitivity() const { return negatives == 0 ? 0.0 : static_cast<double>(negatives_found) / negatives; }
  [[nodiscard]] double specificity() const { return positives == 0 ? 0.0 : static_cast<double>(positives_found) / positives; }
  // Better than a coin on both together: else no rate can be corrected.
  [[nodiscard]] bool informative() const;
};

// The rate of negatives behind a reported one (Rogan and Gladen 1978) with a 95 % interval that knows how few answers the
// error rates come from (Lang and Reiczigel 2014). `reported` must have an n; `errors` must be informative.
Rate corrected_rate(const Rate& reported, const JudgeErrors& errors);

// Agreement beyond chance (Fleiss 1971). counts[item][category]: raters who chose it; every item has as many raters, at least two.
// Perfect agreement is 1, also where all items are in one category.
double fleiss_kappa(const std::vector<std::vector<int>>& counts);

}  // namespace iteralign
