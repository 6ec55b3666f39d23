#include "data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/near_duplicates.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// 60 prompts in category a, 30 in b, 10 in c.
std::vector<Prompt> hundred_prompts() {
  std::vector<Prompt> prompts;
  for (int i = 0; i < 100; ++i) {
    const Messages messages = {{"user", "subject" + std::to_string(i)}};
    prompts.push_back({prompt_id(messages), messages, i < 60 ? "a" : i < 90 ? "b" : "c", ""});
  }
  return prompts;
}

std::map<std::string, int> count_categories(const std::vector<Prompt>& prompts) {
  std::map<std::string, int> counts;
  for (const auto& prompt : prompts) ++counts[prompt.category];
  return counts;
}

std::set<std::string> ids(const std::vector<Prompt>& prompts) {
  std::set<std::string> found;
  for (const auto& prompt : prompts) found.insert(prompt.id);
  return found;
}

TEST(Split, TakesAFractionOrACountFromEveryCategory) {
  const auto fraction = split_heldout(hundred_prompts(), 0.2, 1);
  EXPECT_EQ(count_categories(fraction.heldout), (std::map<std::string, int>{{"a", 12}, {"b", 6}, {"c", 2}}));
  EXPECT_EQ(fraction.train.size(), 80u);
  const auto count = split_heldout(hundred_prompts(), 25, 1);
  EXPECT_EQ(count.heldout.size(), 25u);
  EXPECT_EQ(split_heldout(hundred_prompts(), 0, 1).heldout.size(), 0u);
}

TEST(Split, DependsOnTheSeedAndNotOnTheOrder) {
  auto prompts = hundred_prompts();
  const auto first = ids(split_heldout(prompts, 0.2, 1).heldout);
  EXPECT_NE(first, ids(split_heldout(prompts, 0.2, 2).heldout));
  std::reverse(prompts.begin(), prompts.end());
  const auto turned = split_heldout(prompts, 0.2, 1);
  EXPECT_EQ(first, ids(turned.heldout));
  EXPECT_EQ(turned.train.front().category, "c") << "each side keeps the order";
}

TEST(Split, KeepsNearDuplicatesOnOneSide) {
  auto prompts = hundred_prompts();
  for (int i = 0; i < 100; ++i) {
    const Messages messages = {{"user", "How do I: subject" + std::to_string(i)}};
    prompts.push_back({prompt_id(messages), messages, "a", ""});
  }
  const auto split = split_heldout(prompts, 50, 7);
  EXPECT_EQ(split.heldout.size() % 2, 0u);
  EXPECT_NEAR(static_cast<double>(split.heldout.size()), 50.0, 4.0);
  EXPECT_EQ(drop_overlap(split.heldout, split.train).kept.size(), split.heldout.size());
}

TEST(Split, RefusesToLeaveNothing) { EXPECT_THROW(split_heldout(hundred_prompts(), 100, 1), Error); }

}  // namespace
}  // namespace iteralign
