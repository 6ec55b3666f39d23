#include "core/thought.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

TEST(Thought, IsWhatStandsInMarksAtTheBeginning) {
  const AnswerParts parts = split_thought("\n<think>\nShould I?\n</think>\n\nNo, <think>ing aloud</think> is no thought.");
  EXPECT_EQ(parts.thought, "\n<think>\nShould I?\n</think>\n\n");
  EXPECT_EQ(parts.answer, "No, <think>ing aloud</think> is no thought.");
  EXPECT_FALSE(parts.cut);
  for (const auto& [open, close] : thought_marks())
    EXPECT_EQ(split_thought(std::string(open) + "hm" + std::string(close) + "Yes.").answer, "Yes.") << open;
  EXPECT_EQ(split_thought("<think>a</think> <reasoning>b</reasoning> c").answer, "c");
}

TEST(Thought, ATextWithoutOneIsTheAnswer) {
  EXPECT_EQ(split_thought("An answer.").answer, "An answer.");
  EXPECT_EQ(split_thought("An answer.").thought, "");
  EXPECT_EQ(split_thought(" Closed </think> without having begun").thought, "");
}

TEST(Thought, OneThatDoesNotEndLeavesNoAnswer) {
  const AnswerParts parts = split_thought("<think>\nLet me see. First you");
  EXPECT_TRUE(parts.cut);
  EXPECT_EQ(parts.answer, "");
  EXPECT_TRUE(split_thought("<think>a</think><think>b").cut);
}

TEST(Thought, APromptMayHaveBegunIt) {
  EXPECT_EQ(begun_thought("<|im_start|>assistant\n<think>\n"), "<think>\n");
  EXPECT_EQ(begun_thought("<|im_start|>assistant\n<think>\n\n</think>\n\n"), "");  // and ended it
  EXPECT_EQ(begun_thought("<|im_start|>assistant\n"), "");
}

}  // namespace
}  // namespace iteralign
