#pragma once
// Tests of paired outcomes, the correction for making several, and the smallest effect that a sample could have shown.

#include <vector>

namespace iteralign {

// Items that are 1 before and 0 after, and the other way round.
struct Discordant {
  int lost = 0, won = 0;
};

// McNemar's exact test (1947): two-sided p-value of as many changes one way as the other. No changes: 1.
double mcnemar_exact(Discordant changes);

// Holm's step-down correction (1979): adjusted p-values, in the order given.
std::vector<double> holm(const std::vector<double>& p_values);

// The smallest difference in the mean of `n` values of this standard deviation that a two-sided z-test at `alpha` finds with
// probability `power`. n = 0: infinity.
double smallest_effect(double deviation, int n, double alpha = 0.05, double power = 0.8);

}  // namespace iteralign
