#include "statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/random.h"

namespace iteralign {

double quantile(std::span<const double> sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

MeanEstimate bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators, std::uint64_t seed, int resamples) {
  const std::size_t n = numerators.size();
  if (n == 0) return {};
  Random random(seed);
  std::vector<double> ratios;
  int below = 0, above = 0;  // 0
  for (int i = 0; i < resamples; ++i) {
    double numerator = 0, denominator = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t drawn = random.below(n);
      numerator += numerators[drawn];
      denominator += denominators[drawn];
    }
    ratios.push_back(numerator / denominator);
    if (numerator <= 0) ++below;
    if (numerator >= 0) ++above;
  }
  std::ranges::sort(ratios);
  const auto sum = [](std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  // The sample itself counts as one more resample, so that no p-value is 0.
  const double p_value = std::min(1.0, 2.0 * (std::min(below, above) + 1) / (resamples + 1));
  return {static_cast<int>(n), sum(numerators) / sum(denominators), quantile(ratios, 0.025), quantile(ratios, 0.975), p_value};
}

MeanEstimate bootstrap_mean(std::span<const double> values, std::uint64_t seed, int resamples) {
  return bootstrap_ratio(values, std::vector<double>(values.size(), 1.0), seed, resamples);
}

}  // namespace iteralign
