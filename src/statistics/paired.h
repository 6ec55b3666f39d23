#pragma once
// The evidence in pairs of outcomes: exact for items that are 0 or 1, however few there are; for other values as far as their number
// allows.

#include <optional>
#include <span>

#include "statistics/bootstrap.h"
#include "statistics/tests.h"

namespace iteralign {

struct Interval {
  double low = 0, high = 0;
};

// 95 % interval of the difference of two rates over the same n items, n > 0: Clopper and Pearson's interval of the share of items that
// change times that of the direction in which they do, 97.5 % each, so that both hold together at least 95 times of 100.
Interval paired_rate_interval(Discordant changes, int n);

// The smallest difference of two rates over n items that McNemar's exact test at 0.05 finds in four of five cases, if as many other items
// change in both directions as did here. Nothing where it finds none: five items cannot show any difference.
std::optional<double> smallest_rate_difference(Discordant changes, int n);

// Mean of values (or ratio of the sums of numerators and positive denominators) with its 95 % interval and the p-value of 0.
// Up to sixteen: exact where values lie symmetrically about it, by turning signs (Fisher 1935; Hartigan 1969). More: the bootstrap's.
// The interval is empty for less than six values and for values that are all alike: they do not say how far others would lie.
struct ValueEstimate {
  int n = 0;
  double mean = 0;
  std::optional<Interval> interval = {};  // 95 %
  double p_value = 1;                     // two-sided
  bool exact = false;                     // by turning signs
};
ValueEstimate estimate_mean(std::span<const double> values);
ValueEstimate estimate_ratio(std::span<const double> numerators, std::span<const double> denominators);

}  // namespace iteralign
