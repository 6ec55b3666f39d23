#include "statistics/paired.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "iteralign/error.h"
#include "statistics/binomial.h"

namespace iteralign {
namespace {

constexpr double kAlpha = 0.05, kPower = 0.8;
constexpr std::size_t kMostExact = 16, kFewest = 6;  // six values: 2 of 2^6 turns are less than 5 %

// The largest count of the rarer direction, of so many changes, at which McNemar's exact test rejects; -1: it never does.
int critical_changes(int changed) {
  int k = std::max(-1, static_cast<int>(std::floor(changed / 2.0 - std::sqrt(changed))) - 1);
  while (2 * binomial_cdf(k + 1, changed, 0.5) <= kAlpha) ++k;
  return k;
}

// How often McNemar's exact test finds items that go up with probability `up` and down with `down`.
double mcnemar_power(double up, double down, int n) {
  const double changing = up + down, share = up / changing;
  const double spread = 9 * std::sqrt(n * changing * (1 - changing)) + 9;
  const int first = std::max(0, static_cast<int>(n * changing - spread)), last = std::min(n, static_cast<int>(n * changing + spread));
  double power = 0, below = binomial_cdf(first - 1, n, changing);
  for (int changed = first; changed <= last; ++changed) {
    const double up_to = binomial_cdf(changed, n, changing);
    const int critical = critical_changes(changed);
    power += (up_to - below) * (binomial_cdf(critical, changed, share) + binomial_cdf(critical, changed, 1 - share));
    below = up_to;
  }
  return power;
}

bool all_alike(std::span<const double> numerators, std::span<const double> denominators) {
  for (std::size_t i = 1; i < numerators.size(); ++i)
    if (numerators[i] * denominators[0] != numerators[0] * denominators[i]) return false;
  return true;
}

// Each subset of the values has a mean (ratio); the true one lies between two neighbours of them with probability 1 / 2^n each.
Interval subset_interval(std::span<const double> numerators, std::span<const double> denominators) {
  const std::size_t subsets = std::size_t{1} << numerators.size();
  std::vector<double> ratios;
  ratios.reserve(subsets - 1);
  for (std::size_t subset = 1; subset < subsets; ++subset) {
    double numerator = 0, denominator = 0;
    for (std::size_t i = 0; i < numerators.size(); ++i)
      if ((subset >> i & 1) != 0) numerator += numerators[i], denominator += denominators[i];
    ratios.push_back(numerator / denominator);
  }
  std::ranges::sort(ratios);
  const auto tail = static_cast<std::size_t>(kAlpha / 2 * static_cast<double>(subsets));
  return {ratios[tail - 1], ratios[ratios.size() - tail]};
}

// The share of all ways to choose the signs of the values whose sum is at least as far from 0.
double sign_flip_p_value(std::span<const double> values) {
  const double sum = std::abs(std::accumulate(values.begin(), values.end(), 0.0));
  const double scale = std::accumulate(values.begin(), values.end(), 0.0, [](double total, double v) { return total + std::abs(v); });
  const std::size_t turns = std::size_t{1} << values.size();
  std::size_t as_far = 0;
  for (std::size_t turn = 0; turn < turns; ++turn) {
    double turned = 0;
    for (std::size_t i = 0; i < values.size(); ++i) turned += (turn >> i & 1) != 0 ? -values[i] : values[i];
    if (std::abs(turned) >= sum - 1e-12 * scale) ++as_far;  // sums in another order round differently
  }
  return static_cast<double>(as_far) / static_cast<double>(turns);
}

}  // namespace

Interval paired_rate_interval(Discordant changes, int n) {
  const int changed = changes.lost + changes.won;
  ITERALIGN_CHECK(n > 0 && changed <= n, "no more items change than there are");
  constexpr double kEach = 1 - kAlpha / 2;
  const auto [fewest, most] = clopper_pearson(changed, n, kEach);
  const auto [up_least, up_most] = clopper_pearson(changes.won, changed, kEach);
  const double low = 2 * up_least - 1, high = 2 * up_most - 1;  // of what changes: ups less downs
  return {low * (low < 0 ? most : fewest), high * (high < 0 ? fewest : most)};
}

std::optional<double> smallest_rate_difference(Discordant changes, int n) {
  if (n == 0) return std::nullopt;
  const double other = static_cast<double>(std::min(changes.lost, changes.won)) / n;
  double low = 0, high = 1 - 2 * other;
  if (high <= 0 || mcnemar_power(other + high, other, n) < kPower) return std::nullopt;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (mcnemar_power(other + middle, other, n) < kPower ? low : high) = middle;
  }
  return high;
}

ValueEstimate estimate_mean(std::span<const double> values) { return estimate_ratio(values, std::vector<double>(values.size(), 1.0)); }

ValueEstimate estimate_ratio(std::span<const double> numerators, std::span<const double> denominators) {
  const auto sum = [](std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  ValueEstimate estimate{.n = static_cast<int>(numerators.size())};
  if (numerators.empty()) return estimate;
  estimate.mean = sum(numerators) / sum(denominators);
  estimate.exact = numerators.size() <= kMostExact;
  const bool says_spread = numerators.size() >= kFewest && !all_alike(numerators, denominators);
  if (estimate.exact) {
    estimate.p_value = sign_flip_p_value(numerators);
    if (says_spread) estimate.interval = subset_interval(numerators, denominators);
    return estimate;
  }
  const MeanEstimate bootstrap = bootstrap_ratio(numerators, denominators, kBootstrapSeed);
  estimate.p_value = bootstrap.p_value;
  if (says_spread) estimate.interval = {bootstrap.low, bootstrap.high};
  return estimate;
}

}  // namespace iteralign
