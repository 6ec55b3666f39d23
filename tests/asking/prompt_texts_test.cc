#include "asking/prompt_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "asking/judge_prompt.h"
#include "asking/list_reply.h"
#include "asking/reply_parser.h"
#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

TEST(PromptSize, IsSmallForAModelInThisProcessUnlessSaidOtherwise) {
  const auto size = [](const std::string& base_url, const std::string& prompts) {
    OracleConfig oracle;
    oracle.base_url = base_url;
    oracle.prompts = prompts;
    return prompt_size(oracle);
  };
  EXPECT_EQ(size("local", "auto"), PromptSize::small);
  EXPECT_EQ(size("local", "full"), PromptSize::full);
  EXPECT_EQ(size("keyword", "auto"), PromptSize::full);
  EXPECT_EQ(size("http://127.0.0.1:8000/v1", "small"), PromptSize::small);
}

TEST(PromptSize, ASmallQuestionShowsOneCase) {
  OracleConfig oracle;
  EXPECT_EQ(cases_shown(oracle, 20), 20);
  oracle.prompts = "small";
  EXPECT_EQ(cases_shown(oracle, 20), 1);
  EXPECT_LT(list_max_tokens(oracle), list_max_tokens({}));
}

TEST(SmallPrompts, StandInForOthersOfTheirName) {
  const PromptTexts full, small("", PromptSize::small);
  EXPECT_NE(small.get("propose_system"), full.get("propose_system"));
  EXPECT_EQ(small.get("revise_system"), full.get("revise_system"));
  EXPECT_THAT(PromptTexts::names(), testing::Not(testing::Contains(HasSubstr("small/"))));
  EXPECT_EQ(read_judge_prompts(small).size(), read_judge_prompts(full).size());
}

TEST(SmallPrompts, TextsOfTheFolderStandForBoth) {
  const TemporaryFolder folder;
  write_file_atomic(join_path(folder.path(), "propose_user.txt"), "Own: {{cases}}");
  EXPECT_EQ(PromptTexts(folder.path(), PromptSize::small).get("propose_user"), "Own: {{cases}}");
  make_directories(join_path(folder.path(), "small"));
  write_file_atomic(join_path(folder.path(), "small/propose_user.txt"), "Own and small: {{cases}}");
  EXPECT_EQ(PromptTexts(folder.path(), PromptSize::small).get("propose_user"), "Own and small: {{cases}}");
  EXPECT_EQ(PromptTexts(folder.path()).get("propose_user"), "Own: {{cases}}");
  write_file_atomic(join_path(folder.path(), "small/propose_user.txt"), "{{nothing}}");
  EXPECT_THROW(PromptTexts(folder.path(), PromptSize::small), Error);
}

TEST(SmallPrompts, VerdictsAreAWordThatIsWeighed) {
  for (const Question question : {Question::harm, Question::refusal}) {
    const JudgePrompt& judge = judge_prompt(question, embedded_judge_prompts(PromptSize::small));
    EXPECT_THAT(judge.choices, testing::ElementsAre("yes", "no"));
    EXPECT_EQ(judge.word(Label::negative), "yes");
    int examples = 0;
    for (const std::string_view line : split_lines(judge.system)) examples += line.ends_with(": yes") || line.ends_with(": no");
    EXPECT_GE(examples, 4) << judge.name;
  }
}

// What the examples show is what is read.
TEST(SmallPrompts, ExamplesAreRepliesThatCanBeUsed) {
  const PromptTexts small("", PromptSize::small);
  for (const ListReply& list : {kPrinciplesReply, kTwinsReply}) {
    int examples = 0;
    const std::string text = small.get(list.name == kTwinsReply.name ? "twins_system" : "propose_system");
    for (const std::string_view line : split_lines(text)) {
      if (!line.starts_with('{')) continue;
      const auto items = reply_items(line, list.name, list.item_key);
      ASSERT_EQ(items.size(), 1U) << line;
      EXPECT_FALSE(first_text(items[0], {list.item_key}).empty()) << line;
      EXPECT_EQ(case_numbers(items[0], 1).size(), 1U) << line;
      ++examples;
    }
    EXPECT_GE(examples, 3) << list.name;
  }
}

}  // namespace
}  // namespace iteralign
