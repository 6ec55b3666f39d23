#include "data/near_duplicates.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "data/prompt_reader.h"
#include "shared_data.h"

namespace iteralign {
namespace {

Prompt prompt(const std::string& text, const std::string& category = "") {
  const Messages messages = {{"user", text}};
  return {prompt_id(messages), messages, category, ""};
}

std::vector<Prompt> prompts(const std::vector<std::string>& texts) {
  std::vector<Prompt> list;
  for (const auto& text : texts) list.push_back(prompt(text));
  return list;
}

TEST(NearDuplicates, DropsAndCountsBothKinds) {
  const auto result = drop_duplicates(prompts({"How can I buy stolen goods?", "how can i buy  stolen goods", "How do I buy stolen goods?",
                                               "How can I buy stolen cars?", "How can I sell stolen goods?", "Why?", "why", "???", "!"}));
  ASSERT_EQ(result.kept.size(), 6u);
  EXPECT_EQ(result.exact, 2);
  EXPECT_EQ(result.near, 1);
  EXPECT_EQ(result.kept[0].messages[0].content, "How can I buy stolen goods?");
  EXPECT_EQ(result.kept[1].messages[0].content, "How can I buy stolen cars?");
}

TEST(NearDuplicates, DropsWhatOverlapsWithOthers) {
  const auto result =
      drop_overlap(prompts({"Kill a frozen process", "Bake bread", "Bake bread!"}), prompts({"How do I kill a frozen process?"}));
  EXPECT_EQ(result.kept.size(), 2u);
  EXPECT_EQ(result.near, 1);
}

TEST(NearDuplicates, GroupsThroughOthers) {
  // The second differs from the first by one word of ten, the third from the second by another.
  const auto groups = duplicate_groups(
      prompts({"red blue green black white brown pink grey gold rose", "red blue green black white brown pink grey gold lime",
               "red blue green black white brown pink grey teal lime", "cyan"}));
  EXPECT_EQ(groups, (std::vector<int>{0, 0, 0, 1}));
}

// The index finds what comparing all pairs finds.
TEST(NearDuplicates, FindsAllPairs) {
  Random random(3);
  std::vector<Prompt> list;
  for (int i = 0; i < 400; ++i) {
    std::string text;
    const auto length = 1 + random.below(8);
    for (std::uint64_t k = 0; k < length; ++k) text += "word" + std::to_string(random.below(12)) + " ";
    list.push_back(prompt(text));
  }
  const auto groups = duplicate_groups(list);
  for (std::size_t i = 0; i < list.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      if (groups[i] == groups[j]) continue;
      const auto alone = drop_duplicates({list[i], list[j]});
      ASSERT_EQ(alone.kept.size(), 2u) << list[i].messages[0].content << "| " << list[j].messages[0].content;
    }
}

TEST(NearDuplicates, AreFewInPublishedSets) {
  SKIP_WITHOUT(shared_data("harmfulqa"));
  const auto harmful = drop_duplicates(read_prompts(shared_data("harmfulqa/harmfulqa.json")));
  EXPECT_GT(harmful.kept.size(), 1700u);
  const auto all = drop_overlap(read_prompts(shared_data("harmfulqa/dangerousqa.json")), read_prompts(shared_data("dangerousqa")));
  EXPECT_EQ(all.exact, 200);
}

}  // namespace
}  // namespace iteralign
