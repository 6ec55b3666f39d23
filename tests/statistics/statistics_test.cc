#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/random.h"
#include "statistics/bootstrap.h"
#include "statistics/judge_errors.h"
#include "statistics/normal.h"
#include "statistics/paired.h"
#include "statistics/tests.h"

namespace iteralign {
namespace {

TEST(Normal, QuantilesAreInverses) {
  EXPECT_NEAR(normal_quantile(0.975), kZ95, 1e-14);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  for (const double p : {1e-12, 1e-6, 0.01, 0.3, 0.7, 0.999999}) EXPECT_NEAR(normal_cdf(normal_quantile(p)) / p, 1, 1e-12);
}

TEST(McNemar, CountsOnlyWhatChanged) {
  EXPECT_EQ(mcnemar_exact({0, 0}), 1);
  EXPECT_EQ(mcnemar_exact({5, 5}), 1);
  EXPECT_NEAR(mcnemar_exact({0, 5}), 2 / 32.0, 1e-12);
  EXPECT_NEAR(mcnemar_exact({5, 0}), 2 / 32.0, 1e-12);
  EXPECT_LT(mcnemar_exact({10, 200}), 1e-30);
}

TEST(Holm, StepsDown) {
  EXPECT_EQ(holm({}), std::vector<double>{});
  const auto adjusted = holm({0.04, 0.01, 0.03});
  EXPECT_NEAR(adjusted[1], 0.03, 1e-15);
  EXPECT_NEAR(adjusted[2], 0.06, 1e-15);
  EXPECT_NEAR(adjusted[0], 0.06, 1e-15);  // never less than a smaller one's
}

TEST(Effects, MoreItemsShowSmallerOnes) {
  EXPECT_TRUE(std::isinf(smallest_effect(1, 0)));
  EXPECT_NEAR(smallest_effect(1, 100), 0.2801, 1e-4);
  EXPECT_NEAR(smallest_effect(1, 400), smallest_effect(1, 100) / 2, 1e-12);
}

TEST(Bootstrap, IsOfTheMean) {
  EXPECT_EQ(bootstrap_mean({}, 1).n, 0);
  const std::vector<double> same(20, 0.25);
  const MeanEstimate constant = bootstrap_mean(same, 1);
  EXPECT_EQ(constant.low, 0.25);
  EXPECT_EQ(constant.high, 0.25);
  EXPECT_LT(constant.p_value, 0.001);
  Random random(4);
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(random.normal());
  const MeanEstimate estimate = bootstrap_mean(values, 1);
  EXPECT_NEAR(estimate.high - estimate.low, 2 * kZ95 / 20, 0.03);
  EXPECT_EQ(bootstrap_mean(values, 1).low, estimate.low);
  EXPECT_NE(bootstrap_mean(values, 2).low, estimate.low);
}

TEST(PairedRates, EqualItemsAreNoProof) {
  const Interval none = paired_rate_interval({0, 0}, 17);
  EXPECT_NEAR(none.high, 1 - std::pow(0.0125, 1 / 17.0), 1e-9);
  EXPECT_EQ(none.low, -none.high);
  EXPECT_GT(paired_rate_interval({0, 0}, 1).high, 0.95);
  const Interval all = paired_rate_interval({0, 8}, 8);
  EXPECT_GT(all.low, 0);
  EXPECT_LT(all.low, 0.2);
  EXPECT_EQ(all.high, 1);
  EXPECT_LT(paired_rate_interval({0, 5}, 5).low, 0);  // McNemar's p is 0.0625
}

TEST(PairedRates, FewItemsFindNothing) {
  for (const int n : {0, 1, 5}) EXPECT_FALSE(smallest_rate_difference({0, 0}, n)) << n;
  EXPECT_FALSE(smallest_rate_difference({3, 3}, 6));
  EXPECT_GT(*smallest_rate_difference({0, 0}, 6), 0.9);  // all six must change
  EXPECT_GT(*smallest_rate_difference({0, 0}, 17), 0.4);
  EXPECT_LT(*smallest_rate_difference({0, 0}, 5000), 0.002);
  EXPECT_GT(*smallest_rate_difference({50, 60}, 817), *smallest_rate_difference({5, 60}, 817));  // what changes both ways hides it
}

// Truly 10 % go up and 4 % down, of 40 items: the interval holds the difference at least 95 times of 100.
TEST(PairedRates, IntervalsCoverTheTruth) {
  Random random(5);
  int covered = 0;
  for (int run = 0; run < 1000; ++run) {
    Discordant changes;
    for (int i = 0; i < 40; ++i) {
      const double draw = random.uniform();
      if (draw < 0.10)
        ++changes.won;
      else if (draw < 0.14)
        ++changes.lost;
    }
    const Interval interval = paired_rate_interval(changes, 40);
    if (interval.low <= 0.06 && 0.06 <= interval.high) ++covered;
  }
  EXPECT_GE(covered, 950);
}

TEST(ValueEstimates, SayNothingWithoutASpread) {
  EXPECT_EQ(estimate_mean({}).n, 0);
  const ValueEstimate one = estimate_mean(std::vector{0.3});
  EXPECT_FALSE(one.interval);
  EXPECT_EQ(one.p_value, 1);
  const ValueEstimate five = estimate_mean(std::vector{0.1, 0.2, 0.3, 0.4, 0.5});
  EXPECT_FALSE(five.interval);
  EXPECT_EQ(five.p_value, 2 / 32.0);  // five values cannot show more
  for (const std::size_t n : {6, 17, 40}) {
    EXPECT_FALSE(estimate_mean(std::vector(n, 0.25)).interval) << n;
    EXPECT_EQ(estimate_mean(std::vector(n, 0.0)).p_value, 1) << n;
  }
}

TEST(ValueEstimates, IntervalAndTestAgreeWhereBothAreExact) {
  Random random(6);
  for (int run = 0; run < 50; ++run) {
    std::vector<double> values;
    for (int i = 0; i < 9; ++i) values.push_back(random.normal() + 0.6);
    const ValueEstimate estimate = estimate_mean(values);
    EXPECT_EQ(estimate.p_value <= 0.05, estimate.interval->low > 0 || estimate.interval->high < 0);
  }
}

TEST(JudgeErrors, APerfectJudgeChangesNothing) {
  const JudgeErrors perfect{1000, 1000, 1000, 1000};
  const Rate corrected = corrected_rate(wilson_rate(30, 100), perfect);
  EXPECT_NEAR(corrected.rate, 0.3, 1e-12);
  EXPECT_NEAR(corrected.low, wilson_rate(30, 100).low, 0.02);
  EXPECT_FALSE((JudgeErrors{10, 5, 10, 5}).informative());
  EXPECT_FALSE((JudgeErrors{0, 0, 10, 10}).informative());
}

// By hand: of ten negatives eight are found, and three positives are taken for such.
TEST(JudgeErrors, GiveAccuracyPrecisionAndF1) {
  const JudgeErrors errors{10, 8, 20, 17};
  EXPECT_EQ(errors.judged(), 30);
  EXPECT_EQ(errors.right(), 25);
  EXPECT_EQ(errors.called_negative(), 11);
  EXPECT_NEAR(errors.f1().rate, 16.0 / 21, 1e-12);
  EXPECT_NEAR(errors.f1().low, 2 * wilson_rate(8, 13).low / (1 + wilson_rate(8, 13).low), 1e-12);
  EXPECT_LT(errors.f1().high, 1);
  EXPECT_DOUBLE_EQ((JudgeErrors{4, 4, 6, 6}).f1().rate, 1.0);
}

// A judge that finds 80 % of the negatives and takes 10 % of the positives for negative, itself measured on 150 + 150 answers.
TEST(JudgeErrors, CorrectedIntervalsCoverTheTruth) {
  Random random(7);
  const auto binomial = [&](int n, double p) {
    int count = 0;
    for (int i = 0; i < n; ++i) count += random.uniform() < p ? 1 : 0;
    return count;
  };
  for (const double truth : {0.05, 0.2, 0.5, 0.9}) {
    int covered = 0, covered_uncorrected = 0;
    for (int run = 0; run < 400; ++run) {
      const JudgeErrors errors{150, binomial(150, 0.8), 150, binomial(150, 0.9)};
      const Rate reported = wilson_rate(binomial(300, truth * 0.8 + (1 - truth) * 0.1), 300);
      const Rate corrected = corrected_rate(reported, errors);
      if (corrected.low <= truth && truth <= corrected.high) ++covered;
      if (reported.low <= truth && truth <= reported.high) ++covered_uncorrected;
    }
    EXPECT_GE(covered, 400 * 90 / 100) << truth;
    if (truth != 0.2 && truth != 0.5) {
      EXPECT_LT(covered_uncorrected, covered) << truth;
    }
  }
}

TEST(FleissKappa, IsAgreementBeyondChance) {
  EXPECT_EQ(fleiss_kappa({{3, 0}, {0, 3}}), 1);
  EXPECT_EQ(fleiss_kappa({{3, 0}, {3, 0}}), 1);
  EXPECT_NEAR(fleiss_kappa({{1, 1}, {1, 1}}), -1, 1e-12);
}

}  // namespace
}  // namespace iteralign
