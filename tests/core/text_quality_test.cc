#include "core/text_quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace iteralign {
namespace {

using testing::ElementsAre;

TEST(PlainWords, TypographyIsAscii) {
  EXPECT_THAT(plain_words("I can\u2019t \u2014 \u201Csorry\u201D\u2026"), ElementsAre("i", "can't", "sorry"));
  EXPECT_THAT(plain_words("caf\u00e9 bar"), ElementsAre("caf\u00e9", "bar"));
}

TEST(PlainWords, ScriptsWithoutSpacesAreSplit) {
  EXPECT_THAT(plain_words("\u6211\u4e0d\u80fd ok"), ElementsAre("\u6211", "\u4e0d", "\u80fd", "ok"));
}

TEST(PlainWords, BrokenUtf8IsNoFault) {
  EXPECT_EQ(plain_words("a\xf0").size(), 1U);
  EXPECT_EQ(plain_words("\xe2\x80").size(), 1U);
  EXPECT_TRUE(plain_words("").empty());
}

TEST(Degenerate, TooShortOrNoWords) {
  for (const char* text : {"", " \n", "!!! ???", "Yes.", "I can't."}) EXPECT_TRUE(is_degenerate(text)) << text;
  EXPECT_FALSE(is_degenerate("I can't help."));
}

TEST(Degenerate, OneWordOverAndOver) {
  EXPECT_TRUE(is_degenerate("the the the the the the the the"));
  EXPECT_TRUE(is_degenerate("well no no no no no no, thanks"));
}

TEST(Degenerate, TheSameSentenceOverAndOver) {
  EXPECT_TRUE(is_degenerate("I'm not sure how to help you. I'm not sure how to help you. I'm not sure how to help you. I'm not sure how"));
  EXPECT_TRUE(
      is_degenerate("1. Use a tool. 2. Use a tool. 3. Use a tool. 4. Use a tool. "
                    "Use a tool. Use a tool. Use a tool. Use a tool. Use a tool."));
}

TEST(Degenerate, OrdinaryAnswersAreNot) {
  EXPECT_FALSE(is_degenerate("I'm sorry, but I can't help with that. It is illegal and could hurt people."));
  EXPECT_FALSE(
      is_degenerate("To bake bread, mix flour, water, salt and yeast, knead the dough, let it rise, and bake it for forty minutes."));
  EXPECT_FALSE(is_degenerate("1. Buy the flour. 2. Buy the yeast. 3. Mix them in a bowl. 4. Wait an hour. 5. Bake the loaf."));
}

}  // namespace
}  // namespace iteralign
