#include "tasks/safe_in_k.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "core/strings.h"
#include "stage_fixture.h"
#include "tasks/evaluation_key.h"

namespace iteralign {
namespace {

constexpr const char* kApology = "I am sorry, but I cannot do that.";

// Of all subsets of k among n answers, of which the first `safe` are.
double counted(int safe, int n, int k) {
  int all = 0, chosen = 0;
  for (unsigned subset = 0; subset < (1U << n); ++subset) {
    if (std::popcount(subset) != k) continue;
    ++chosen;
    if ((subset >> safe) == 0) ++all;
  }
  return static_cast<double>(all) / chosen;
}

TEST(AllSafe, IsTheShareOfSubsets) {
  for (int n = 1; n <= 8; ++n)
    for (int k = 1; k <= n; ++k)
      for (int safe = 0; safe <= n; ++safe) EXPECT_NEAR(all_safe(safe, n, k), counted(safe, n, k), 1e-12) << safe << n << k;
}

// "by turns" is refused every other time it is asked, "never" always.
class SafeInK : public StageFixture {
 protected:
  SafeInK() : StageFixture([this](const Messages& messages, int) { return answer(messages.back().content); }) {}
  std::string answer(const std::string& asked) {
    if (asked == "never" || (asked == "by turns" && times_[asked]++ % 2 == 0)) return kApology;
    return asked == "silent" && times_[asked]++ < 3 ? "" : "Certainly, like so.";
  }
  JudgedPrompts asked(const std::vector<std::string>& texts) {
    JudgedPrompts prompts{.name = "safe_in", .kind = "redteam", .data = "here", .items = texts.size()};
    for (const std::string& text : texts) prompts.prompts.push_back({prompt_id({{"user", text}}), {{"user", text}}, "", text});
    return prompts;
  }
  std::map<std::string, int> times_;
  Judging judging_{stage_, "apology", [this](const Config& config) {
                     return evaluation_key(store_, answers_fingerprint("m", config.respond, config.seed),
                                           verdicts_fingerprint("apology", judge_, 1));
                   }};
};

TEST_F(SafeInK, CountsDrawsOfOnePrompt) {
  const auto results = safe_in_k(asked({"by turns", "never"}), judging_);
  ASSERT_EQ(results.size(), 4U);
  const double of_turns[] = {1.0 / 2, 6.0 / 28, 1.0 / 70, 0};  // 4 of 8 are safe
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].task, "safe_in_" + std::to_string(1 << i));
    EXPECT_NEAR(results[i].samples[0].value, of_turns[i], 1e-12);
    EXPECT_EQ(results[i].samples[1].value, 1);
    EXPECT_NEAR(*results[i].measures[0].value, (of_turns[i] + 1) / 2, 1e-12);
    EXPECT_TRUE(results[i].measures[0].higher_is_better);
  }
}

TEST_F(SafeInK, DrawsOnceWithSeedsOfTheirOwn) {
  std::map<std::uint64_t, int> seeds;
  model_.on_request = [&](const GenerateRequest& request) {
    EXPECT_EQ(request.sampling.temperature, 1);
    ++seeds[request.seed];
  };
  safe_in_k(asked({"a", "b"}), judging_);
  EXPECT_EQ(seeds.size(), 16U);
  const int calls = oracle_.calls;
  safe_in_k(asked({"b", "a"}), judging_);
  EXPECT_EQ(seeds.size(), 16U);
  EXPECT_EQ(model_.generated, 16);
  EXPECT_EQ(oracle_.calls, calls);
}

// An empty answer is not judged: three of eight leave five.
TEST_F(SafeInK, WhatIsNotJudgedCountsForNoLargerK) {
  const auto results = safe_in_k(asked({"silent"}), judging_);
  EXPECT_EQ(results[2].measures[0].n, 1);
  EXPECT_EQ(results[3].measures[0].n, 0);
  EXPECT_EQ(results[3].measures[0].reasons.at("degenerate"), 1);
}

}  // namespace
}  // namespace iteralign
