#pragma once
// Percentile bootstrap (Efron 1979) of a mean or a ratio; of paired differences it is the paired bootstrap.

#include <cstdint>
#include <span>

namespace iteralign {

constexpr std::uint64_t kBootstrapSeed = 1234;  // lm-evaluation-harness's

struct MeanEstimate {
  int n = 0;
  double mean = 0.0;
  double low = 0.0, high = 0.0;  // of the mean, 95 %
  double p_value = 1.0;          // two-sided, of a mean of 0
};

// The same seed gives the same numbers. No values: everything is 0 and the p-value 1.
MeanEstimate bootstrap_mean(std::span<const double> values, std::uint64_t seed, int resamples = 10000);

// The same for the ratio of two sums over items: numerators[i] and denominators[i] are drawn together. Denominators are positive.
MeanEstimate bootstrap_ratio(std::span<const double> numerators, std::span<const double> denominators, std::uint64_t seed,
                             int resamples = 10000);

// The quantile of sorted values, linear between them, as numpy has it.
double quantile(std::span<const double> sorted, double p);

}  // namespace iteralign
