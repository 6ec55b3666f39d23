#include "statistics/tests.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "statistics/normal.h"

namespace iteralign {

double mcnemar_exact(Discordant changes) {
  const int n = changes.lost + changes.won, fewer = std::min(changes.lost, changes.won);
  if (n == 0) return 1;
  double tail = 0;  // P(X <= fewer), X binomial (n, 1/2)
  for (int k = 0; k <= fewer; ++k)
    tail += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) - n * std::log(2.0));
  return std::min(1.0, 2 * tail);
}

std::vector<double> holm(const std::vector<double>& p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(order.size() - rank) * p_values[order[rank]]));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double smallest_effect(double deviation, int n, double alpha, double power) {
  if (n == 0) return std::numeric_limits<double>::infinity();
  const double z = normal_quantile(1 - alpha / 2);
  // In units of the mean's standard error; either tail may reject.
  const auto power_at = [&](double shift) { return normal_cdf(shift - z) + normal_cdf(-shift - z); };
  double low = 0, high = 20;
  for (int i = 0; i < 100; ++i) (power_at((low + high) / 2) < power ? low : high) = (low + high) / 2;
  return high * deviation / std::sqrt(static_cast<double>(n));
}

}  // namespace iteralign
