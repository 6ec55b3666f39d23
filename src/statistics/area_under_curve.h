#pragma once
// How well a probability tells two kinds apart, whatever threshold is set: the area under the receiver operating characteristic.

#include <optional>
#include <span>

namespace iteralign {

struct AreaUnderCurve {
  double area = 0.5;           // 1: every negative is likelier than every positive; 0.5: chance
  double low = 0.0, high = 1;  // 95 % (DeLong, DeLong and Clarke-Pearson 1988), within [0, 1]
};

// The share of pairs of a negative and a positive in which the negative has the higher probability of being one; ties count half. Nothing
// where there are fewer than two of either.
std::optional<AreaUnderCurve> area_under_curve(std::span<const double> negatives, std::span<const double> positives);

// The probability from which on things are best called negative: sensitivity and specificity have the highest sum (Youden 1950), the higher
// threshold where several have it. None may be empty.
double best_threshold(std::span<const double> negatives, std::span<const double> positives);

}  // namespace iteralign
