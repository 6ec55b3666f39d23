#include "statistics/binomial.h"

#include <cmath>

#include "iteralign/error.h"

namespace iteralign {
namespace {

// The continued fraction of the incomplete beta function (Lentz's method); converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m <= 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    value *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return value;
}

// Regularised incomplete beta function.
double incomplete_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

// The p at which a distribution function that falls with p has the value `level`.
template <class Function>
double probability_at(const Function& cdf, double level) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (cdf(middle) > level ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double binomial_cdf(int k, int n, double p) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return incomplete_beta(1 - p, n - k, k + 1);
}

std::pair<double, double> clopper_pearson(int count, int n, double confidence) {
  ITERALIGN_CHECK(count >= 0 && count <= n, "a rate counts a part of its n");
  const double tail = (1 - confidence) / 2;
  const double low = count == 0 ? 0 : probability_at([&](double p) { return binomial_cdf(count - 1, n, p); }, 1 - tail);
  const double high = count == n ? 1 : probability_at([&](double p) { return binomial_cdf(count, n, p); }, tail);
  return {low, high};
}

}  // namespace iteralign
