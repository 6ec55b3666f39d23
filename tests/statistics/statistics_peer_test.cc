// Our results are those of scipy and statsmodels: peer_values.json has both questions and answers, and tests/peers/test_statistics.py
// writes it and holds it against these libraries.

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/json.h"
#include "iteralign/records.h"
#include "statistics/binomial.h"
#include "statistics/bootstrap.h"
#include "statistics/judge_errors.h"
#include "statistics/normal.h"
#include "statistics/paired.h"
#include "statistics/tests.h"

namespace iteralign {
namespace {

Json result_of(const Json& test_case) {
  const std::string function = test_case.at("function");
  const auto number = [&](const char* key) { return test_case.at(key).get<double>(); };
  const auto integer = [&](const char* key) { return test_case.at(key).get<int>(); };
  if (function == "normal_cdf") return normal_cdf(number("z"));
  if (function == "normal_quantile") return normal_quantile(number("p"));
  if (function == "mcnemar_exact") return mcnemar_exact({integer("lost"), integer("won")});
  if (function == "holm") return holm(test_case.at("p_values"));
  if (function == "smallest_effect") return smallest_effect(1, integer("n"), number("alpha"), number("power"));
  if (function == "fleiss_kappa") return fleiss_kappa(test_case.at("counts"));
  if (function == "wilson") {
    const Rate rate = wilson_rate(integer("count"), integer("n"));
    return {rate.low, rate.high};
  }
  if (function == "binomial_cdf") return binomial_cdf(integer("k"), integer("n"), number("p"));
  if (function == "clopper_pearson") {
    const auto [low, high] = clopper_pearson(integer("count"), integer("n"), number("confidence"));
    return {low, high};
  }
  if (function == "paired_rate_interval") {
    const Interval interval = paired_rate_interval({integer("lost"), integer("won")}, integer("n"));
    return {interval.low, interval.high};
  }
  if (function == "smallest_rate_difference") return *smallest_rate_difference({integer("lost"), integer("won")}, integer("n"));
  if (function == "estimate_ratio") {
    const auto numerators = test_case.at("values").get<std::vector<double>>();
    const ValueEstimate estimate = estimate_ratio(numerators, test_case.at("weights").get<std::vector<double>>());
    return {estimate.mean, estimate.interval->low, estimate.interval->high, estimate.p_value};
  }
  const auto values = test_case.at("values").get<std::vector<double>>();
  const MeanEstimate estimate = bootstrap_mean(values, test_case.at("seed"), integer("resamples"));
  return {estimate.mean, estimate.low, estimate.high};
}

std::vector<double> numbers(const Json& value) {
  return value.is_array() ? value.get<std::vector<double>>() : std::vector<double>{value.get<double>()};
}

TEST(StatisticsPeer, ResultsAreThoseOfScipyAndStatsmodels) {
  const Json cases = read_json(std::string(ITERALIGN_SOURCE_DIR) + "/tests/statistics/peer_values.json");
  EXPECT_GT(cases.size(), 300u);
  for (const Json& test_case : cases) {
    const std::vector<double> ours = numbers(result_of(test_case)), theirs = numbers(test_case.at("value"));
    ASSERT_EQ(ours.size(), theirs.size()) << test_case.dump();
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-6) << test_case.dump();
  }
}

}  // namespace
}  // namespace iteralign
