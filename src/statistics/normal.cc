#include "statistics/normal.h"

#include <cmath>
#include <numbers>

#include "iteralign/error.h"

namespace iteralign {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

// Halley's method on the cumulative distribution, from the logistic approximation.
double normal_quantile(double p) {
  ITERALIGN_CHECK(p > 0 && p < 1, "a quantile is of a probability between 0 and 1");
  if (p > 0.5) return -normal_quantile(1 - p);  // where the tail is exact
  double z = std::log(p / (1 - p)) / 1.702;
  for (int i = 0; i < 60; ++i) {
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    const double step = (normal_cdf(z) - p) / density, next = z - step / (1 + z * step / 2);
    if (std::abs(next - z) <= 1e-15 * std::abs(next)) return next;
    z = next;
  }
  return z;
}

}  // namespace iteralign
