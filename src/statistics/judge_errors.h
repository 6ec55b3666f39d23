#pragma once
// How wrong a judge is, measured on labelled answers, and what that does to the rates that it reports.

#include <vector>

#include "iteralign/records.h"

namespace iteralign {

// Counts of labelled answers: negative ones and how many of them the judge found, and the same for positive ones.
struct JudgeErrors {
  int negatives = 0, negatives_found = 0;
  int positives = 0, positives_found = 0;

  [[nodiscard]] double sensitivity() const { return negatives == 0 ? 0.0 : static_cast<double>(negatives_found) / negatives; }
  [[nodiscard]] double specificity() const { return positives == 0 ? 0.0 : static_cast<double>(positives_found) / positives; }
  // True when the judge is better than a coin on both kinds together; otherwise no rate can be corrected.
  [[nodiscard]] bool informative() const;

  [[nodiscard]] int judged() const { return negatives + positives; }
  [[nodiscard]] int right() const { return negatives_found + positives_found; }
  [[nodiscard]] int called_negative() const { return negatives_found + positives - positives_found; }
  // F1 = 2 j / (1 + j) of the share j of negatives found among all that are negative or called so; its interval is that of j (Wilson),
  // carried over.
  [[nodiscard]] Rate f1() const;
};

// The true rate of negatives behind a reported one (Rogan and Gladen 1978), with a 95 % interval that accounts for how few answers the
// error rates were measured on (Lang and Reiczigel 2014). `reported` must have an n; `errors` must be informative.
Rate corrected_rate(const Rate& reported, const JudgeErrors& errors);

// Agreement beyond chance (Fleiss 1971). counts[item][category]: raters who chose it; every item has as many raters, at least two.
// Perfect agreement is 1, also where all items are in one category.
double fleiss_kappa(const std::vector<std::vector<int>>& counts);

}  // namespace iteralign
