#include "statistics/area_under_curve.h"

#include <gtest/gtest.h>

#include <vector>

namespace iteralign {
namespace {

const std::vector<double> kNegatives = {0.9, 0.8, 0.8, 0.6, 0.3}, kPositives = {0.7, 0.6, 0.4, 0.2, 0.1, 0.1};

// scikit-learn's roc_auc_score; the interval by numpy from DeLong's formula, before it is cut at 1.
TEST(AreaUnderCurve, IsThatOfPeersWithDeLongsInterval) {
  const auto found = area_under_curve(kNegatives, kPositives).value();
  EXPECT_NEAR(found.area, 0.85, 1e-12);
  EXPECT_NEAR(found.low, 0.6086245135744015, 1e-12);
  EXPECT_DOUBLE_EQ(found.high, 1.0);
  EXPECT_DOUBLE_EQ(area_under_curve(kPositives, kNegatives).value().area, 1 - found.area);
  EXPECT_DOUBLE_EQ(area_under_curve(kPositives, kPositives).value().area, 0.5);
  EXPECT_FALSE(area_under_curve(kNegatives, std::vector<double>{0.5}));
}

// By hand: sensitivity less the rate of false alarms is 0.2 at 0.9, 0.6 at 0.8, 0.467 at 0.6 and 0.5 at 0.3.
TEST(BestThreshold, HasTheHighestSumOfSensitivityAndSpecificity) { EXPECT_DOUBLE_EQ(best_threshold(kNegatives, kPositives), 0.8); }

}  // namespace
}  // namespace iteralign
