#pragma once
// The binomial distribution, and the exact interval of its probability.

#include <utility>

namespace iteralign {

// P(X <= k) of n trials with probability p. k below 0: 0.
double binomial_cdf(int k, int n, double p);

// The interval of a probability from `count` of `n` (Clopper and Pearson 1934), which covers it at least so often. n = 0: [0, 1].
std::pair<double, double> clopper_pearson(int count, int n, double confidence = 0.95);

}  // namespace iteralign
