#include "statistics/judge_errors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "iteralign/error.h"
#include "statistics/normal.h"

namespace iteralign {

bool JudgeErrors::informative() const { return negatives > 0 && positives > 0 && sensitivity() + specificity() > 1; }

Rate JudgeErrors::f1() const {
  const auto f1_of = [](double share) { return 2 * share / (1 + share); };
  Rate rate = wilson_rate(negatives_found, negatives + positives - positives_found);
  for (double* value : {&rate.rate, &rate.low, &rate.high}) *value = f1_of(*value);
  return rate;
}

Rate corrected_rate(const Rate& reported, const JudgeErrors& errors) {
  ITERALIGN_CHECK(errors.informative() && reported.n > 0, "nothing can be corrected with such error rates");
  constexpr double z = kZ95;
  const double n = reported.n + z * z, p = (reported.count + z * z / 2) / n;  // Agresti and Coull's
  const double negatives = errors.negatives + 2, sensitivity = (errors.negatives_found + 1) / negatives;
  const double positives = errors.positives + 2, specificity = (errors.positives_found + 1) / positives;
  const double youden = sensitivity + specificity - 1, theta = (p + specificity - 1) / youden;
  const double of_sensitivity = sensitivity * (1 - sensitivity) / negatives, of_specificity = specificity * (1 - specificity) / positives;
  const double shift = 2 * z * z * (theta * of_sensitivity - (1 - theta) * of_specificity);
  const double half = z * std::sqrt(p * (1 - p) / n + theta * theta * of_sensitivity + (1 - theta) * (1 - theta) * of_specificity) / youden;

  Rate rate = reported;
  rate.rate = std::clamp((reported.rate + errors.specificity() - 1) / (errors.sensitivity() + errors.specificity() - 1), 0.0, 1.0);
  rate.low = std::clamp(theta + shift - half, 0.0, 1.0);
  rate.high = std::clamp(theta + shift + half, 0.0, 1.0);
  return rate;
}

double fleiss_kappa(const std::vector<std::vector<int>>& counts) {
  const auto items = static_cast<double>(counts.size());
  const auto raters = static_cast<double>(std::accumulate(counts.front().begin(), counts.front().end(), 0));
  std::vector<double> shares(counts.front().size());
  double agreement = 0;
  for (const std::vector<int>& item : counts) {
    double same = 0;
    for (std::size_t k = 0; k < item.size(); ++k) {
      shares[k] += item[k] / (items * raters);
      same += item[k] * (item[k] - 1.0);
    }
    agreement += same / (raters * (raters - 1)) / items;
  }
  const double chance = std::inner_product(shares.begin(), shares.end(), shares.begin(), 0.0);
  return chance >= 1 ? 1.0 : (agreement - chance) / (1 - chance);
}

}  // namespace iteralign
