#include "statistics/area_under_curve.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "iteralign/error.h"
#include "statistics/normal.h"

namespace iteralign {
namespace {

// Of each value, the share of `others` below it; equal ones count half.
std::vector<double> shares_below(std::span<const double> values, std::span<const double> others) {
  std::vector<double> sorted(others.begin(), others.end()), shares;
  std::ranges::sort(sorted);
  for (const double value : values) {
    const auto [first, last] = std::ranges::equal_range(sorted, value);
    shares.push_back((static_cast<double>(first - sorted.begin()) + static_cast<double>(last - first) / 2) /
                     static_cast<double>(sorted.size()));
  }
  return shares;
}

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variance_of_mean(std::span<const double> values) {
  const double middle = mean(values), n = static_cast<double>(values.size());
  return std::accumulate(values.begin(), values.end(), 0.0, [&](double sum, double v) { return sum + (v - middle) * (v - middle); }) /
         (n - 1) / n;
}

double share_from(std::span<const double> values, double threshold) {
  return static_cast<double>(std::ranges::count_if(values, [&](double value) { return value >= threshold; })) /
         static_cast<double>(values.size());
}

}  // namespace

std::optional<AreaUnderCurve> area_under_curve(std::span<const double> negatives, std::span<const double> positives) {
  if (negatives.size() < 2 || positives.size() < 2) return std::nullopt;
  const std::vector<double> below = shares_below(negatives, positives), above = shares_below(positives, negatives);
  const double area = mean(below), half = kZ95 * std::sqrt(variance_of_mean(below) + variance_of_mean(above));
  return AreaUnderCurve{area, std::max(0.0, area - half), std::min(1.0, area + half)};
}

double best_threshold(std::span<const double> negatives, std::span<const double> positives) {
  ITERALIGN_CHECK(!negatives.empty() && !positives.empty(), "a threshold between two kinds needs both");
  std::vector<double> candidates(negatives.begin(), negatives.end());
  std::ranges::sort(candidates, std::greater());
  double best = candidates.front(), best_sum = -1;
  for (const double threshold : candidates)
    if (const double sum = share_from(negatives, threshold) - share_from(positives, threshold); sum > best_sum) {
      best_sum = sum;
      best = threshold;
    }
  return best;
}

}  // namespace iteralign
