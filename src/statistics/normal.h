#pragma once
// The standard normal distribution.

namespace iteralign {

constexpr double kZ95 = 1.959963984540054;  // normal_quantile(0.975)

double normal_cdf(double z);
double normal_quantile(double p);  // p in (0, 1)

}  // namespace iteralign
