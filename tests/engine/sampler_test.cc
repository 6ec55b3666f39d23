#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "config/limits.h"
#include "engine/kernels/vocabulary.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::map<int, double> frequencies(const Sampling& sampling, const std::vector<float>& logits,
                                  const std::vector<std::int32_t>& prompt = {}) {
  constexpr int kDraws = 20000;
  Sampler sampler(sampling, 7, prompt, static_cast<std::int32_t>(logits.size()));
  std::map<int, double> result;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<float> copy = logits;
    result[sampler.sample(copy)] += 1.0 / kDraws;
  }
  return result;
}

const std::vector<float> kLogits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};

TEST(Sampler, DrawsFromTheSoftmax) {
  const auto f = frequencies({.temperature = 1.0}, kLogits);
  EXPECT_NEAR(f.at(0), 0.5, 0.015);
  EXPECT_NEAR(f.at(1), 0.3, 0.015);
  EXPECT_NEAR(f.at(2), 0.15, 0.015);
  EXPECT_NEAR(f.at(3), 0.05, 0.015);
}

TEST(Sampler, TemperatureSharpens) {  // p^2, normalised: 0.25, 0.09, 0.0225, 0.0025
  const auto f = frequencies({.temperature = 0.5}, kLogits);
  EXPECT_NEAR(f.at(0), 0.25 / 0.365, 0.015);
  EXPECT_NEAR(f.at(1), 0.09 / 0.365, 0.015);
}

TEST(Sampler, TopKKeepsTheMostLikely) {
  const auto f = frequencies({.temperature = 1.0, .top_k = 2}, kLogits);
  EXPECT_EQ(f.size(), 2u);
  EXPECT_NEAR(f.at(0), 0.625, 0.015);
}

TEST(Sampler, TopKKeepsWhatTiesWithTheLast) {
  const std::vector<float> logits = {1.0f, 3.0f, 2.0f, 2.0f, 0.0f, 2.0f};
  const auto f = frequencies({.temperature = 1.0, .top_k = 2}, logits);
  EXPECT_EQ(f.size(), 4u);
  EXPECT_NEAR(f.at(5), 1 / (std::exp(1.0) + 3), 0.015);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  EXPECT_EQ(frequencies({.temperature = 1.0, .top_p = 0.5}, kLogits).size(), 1u);
  const auto f = frequencies({.temperature = 1.0, .top_p = 0.81}, kLogits);
  EXPECT_EQ(f.size(), 3u);
  EXPECT_NEAR(f.at(2), 0.15 / 0.95, 0.015);
}

TEST(Sampler, MinPIsRelativeToTheMostLikely) {
  EXPECT_EQ(frequencies({.temperature = 1.0, .min_p = 0.2}, kLogits).size(), 3u);
  EXPECT_EQ(frequencies({.temperature = 1.0, .min_p = 0.5}, kLogits).size(), 2u);
}

TEST(Sampler, TypicalPrefersTheExpectedSurpriseToTheLeast) {
  // entropy 1.17: the surprise of 0.3 is nearest to it, then that of 0.5; equal ones stay together
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.1f), std::log(0.1f)};
  const auto one = frequencies({.temperature = 1.0, .typical_p = 0.29}, logits);
  EXPECT_EQ(one.size(), 1u);
  EXPECT_TRUE(one.contains(1));
  const auto two = frequencies({.temperature = 1.0, .typical_p = 0.31}, logits);
  EXPECT_EQ(two.size(), 2u);
  EXPECT_TRUE(two.contains(0));
  EXPECT_EQ(frequencies({.temperature = 1.0, .typical_p = 0.81}, logits).size(), 4u);
}

TEST(Sampler, FiltersOfAWideVocabularyMatchAFullSort) {
  std::vector<float> logits(5000);
  Random random(3);
  for (float& x : logits) x = static_cast<float>(3 * random.normal());
  std::vector<std::pair<double, int>> sorted;
  double total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    sorted.push_back({std::exp(static_cast<double>(logits[i])), static_cast<int>(i)});
    total += sorted.back().first;
  }
  std::sort(sorted.rbegin(), sorted.rend());
  std::size_t kept = 0;
  for (double sum = 0; sum < 0.3 * total; ++kept) sum += sorted[kept].first;
  const auto f = frequencies({.temperature = 1.0, .top_p = 0.3}, logits);
  for (const auto& [id, frequency] : f) {
    const auto rank =
        std::find_if(sorted.begin(), sorted.end(), [id = id](const auto& entry) { return entry.second == id; }) - sorted.begin();
    EXPECT_LT(static_cast<std::size_t>(rank), kept) << id;
  }
  EXPECT_GT(f.size(), kept / 2);
}

TEST(Sampler, RepetitionPenaltyCountsPromptAndAnswer) {
  Sampling sampling{.repetition_penalty = 2.0};
  Sampler sampler(sampling, 0, std::vector<std::int32_t>{0}, 3);
  std::vector<float> logits = {3.0f, 2.0f, 1.2f};
  EXPECT_EQ(sampler.sample(logits), 1);  // 3 / 2 < 2
  EXPECT_FLOAT_EQ(logits[0], 1.5f);
  sampler.add(1);
  logits = {-1.0f, 2.0f, 1.2f};
  EXPECT_EQ(sampler.sample(logits), 2);  // 2 / 2 < 1.2
  EXPECT_FLOAT_EQ(logits[0], -2.0f);     // a negative logit is multiplied
}

TEST(Sampler, FrequencyAndPresencePenaltiesCountTheAnswerAlone) {
  Sampling sampling{.frequency_penalty = 0.5, .presence_penalty = 0.25};
  Sampler sampler(sampling, 0, std::vector<std::int32_t>{0, 0}, 2);
  std::vector<float> logits = {1.0f, 1.0f};
  EXPECT_EQ(sampler.sample(logits), 0);
  EXPECT_FLOAT_EQ(logits[0], 1.0f);
  sampler.add(0);
  sampler.add(0);
  EXPECT_EQ(sampler.sample(logits), 1);
  EXPECT_FLOAT_EQ(logits[0], 1.0f - 2 * 0.5f - 0.25f);
}

TEST(Sampler, NeverGivesAnIdBeyondTheTokenizer) {
  std::vector<float> logits = {1.0f, 2.0f, 9.0f, 9.0f};
  EXPECT_EQ(Sampler({}, 0, {}, 2).sample(logits), 1);
  for (int seed = 0; seed < 50; ++seed) EXPECT_LT(Sampler({.temperature = 1.0}, static_cast<std::uint64_t>(seed), {}, 2).sample(logits), 2);
}

TEST(Sampler, TheSeedDecides) {
  const auto draw = [](std::uint64_t seed) {
    Sampler sampler({.temperature = 1.0}, seed, {}, 4);
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 30; ++i) {
      std::vector<float> logits = kLogits;
      ids.push_back(sampler.sample(logits));
    }
    return ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// As in transformers: one token always stays, and a temperature whose inverse is no float leaves one, too.
TEST(Sampler, TheEndsOfTheRangesAreGreedy) {
  for (const Sampling& sampling :
       {Sampling{.temperature = 1, .top_p = 0}, Sampling{.temperature = 1, .min_p = 1}, Sampling{.temperature = 1e-40},
        Sampling{.temperature = 1e-320}, Sampling{.temperature = 1e-40, .top_p = 0.9, .top_k = 50}}) {
    EXPECT_NO_THROW(check_limits(sampling));
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      std::vector<float> logits = {0.5f, 2.0f, 1.99f, -3.0f};
      EXPECT_EQ(Sampler(sampling, seed, {}, 4).sample(logits), 1);
      std::vector<float> equal(7, 0.1f);
      EXPECT_LT(Sampler(sampling, seed, {}, 7).sample(equal), 7);
    }
  }
}

TEST(Sampler, SaysWhichOptionIsOutOfRange) {
  const auto field = [](const Sampling& sampling) -> std::string {
    try {
      check_limits(sampling);
    } catch (const Error& error) {
      return error.where();
    }
    return "";
  };
  EXPECT_EQ(field({}), "");
  EXPECT_EQ(field({.max_new_tokens = 0}), "max_new_tokens");
  EXPECT_EQ(field({.temperature = -1}), "temperature");
  EXPECT_EQ(field({.top_p = -0.1}), "top_p");
  EXPECT_EQ(field({.top_p = 1.1}), "top_p");
  EXPECT_EQ(field({.top_k = -1}), "top_k");
  EXPECT_EQ(field({.min_p = 1.1}), "min_p");
  EXPECT_EQ(field({.typical_p = 0}), "typical_p");
  EXPECT_EQ(field({.repetition_penalty = 0}), "repetition_penalty");
  EXPECT_EQ(field({.frequency_penalty = NAN}), "frequency_penalty");
  EXPECT_EQ(field({.stop = {""}}), "stop");
}

TEST(Vocabulary, LoopsEqualTheirDefinition) {
  std::vector<float> logits(3001);
  Random random(5);
  for (float& x : logits) x = static_cast<float>(4 * random.normal());
  logits[17] = logits[2900] = 50.0f;
  EXPECT_EQ(kernels::arg_max(logits), 17u);
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x));
  EXPECT_NEAR(kernels::log_sum_exp(logits), std::log(sum), 1e-6);
  EXPECT_EQ(kernels::draw_softmax(logits, 50.0f, 1.0f, 0.01), 17u);
  EXPECT_EQ(kernels::draw_softmax(logits, 50.0f, 1.0f, 0.99), 2900u);
}

}  // namespace
}  // namespace iteralign
