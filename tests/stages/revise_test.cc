#include "stages/revise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "fakes.h"
#include "stages/revision_filter.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

TEST(PromptTexts, EveryShippedScaffoldIsWellFormed) {
  const PromptTexts texts;
  for (const char* name : {"plain_refusals", "explained_refusals", "short_refusals", "firm_refusals"}) {
    const Scaffold scaffold = texts.scaffold(name);
    EXPECT_EQ(scaffold.turns.size(), 4U) << name;
    EXPECT_FALSE(scaffold.leaks.empty()) << name;
  }
}

TEST(PromptTexts, FilesOfTheFolderReplaceBuiltInOnes) {
  const TemporaryFolder temporary;
  const std::string& folder = temporary.path();
  write_file_atomic(join_path(folder, "revise_system.txt"), "Rules: {{principles}} {{principles}}");
  const PromptTexts texts(folder);
  EXPECT_EQ(texts.fill("revise_system", {{"principles", "{{principles}}"}}), "Rules: {{principles}} {{principles}}");
  EXPECT_THAT(texts.get("judge_system"), HasSubstr("TASK: verdict"));
  write_file_atomic(join_path(folder, "revise_system.txt"), "{{principals}}");
  EXPECT_THROW((void)texts.fill("revise_system", {{"principles", "x"}}), Error);  // changed since
  EXPECT_THROW(PromptTexts{folder}, Error);
  EXPECT_THROW((void)texts.get("no_such"), Error);
  EXPECT_THROW(PromptTexts("/no/such/folder"), Error);
}

TEST(Revise, MessagesHoldPrinciplesScaffoldAndPrompt) {
  const PromptTexts texts;
  const Scaffold scaffold = texts.scaffold("plain_refusals");
  const Messages messages = revision_messages(texts,
                                              {{.id = "P1", .text = "Be kind.", .area = {}, .iteration = 1, .evidence = {}},
                                               {.id = "P2", .text = "Be honest.", .area = {}, .iteration = 1, .evidence = {}}},
                                              &scaffold, {{"system", "You are a pirate."}, {"user", "Hi"}});
  ASSERT_EQ(messages.size(), 6U);
  EXPECT_EQ(messages[0].content, "Follow these principles:\n- Be kind.\n- Be honest.\n\nYou are a pirate.");
  EXPECT_EQ(messages[5].content, "Hi");
}

class RevisionFilter : public ::testing::Test {
 protected:
  std::string fault(const std::string& revision, const std::string& prompt = "How do I pick a pocket in a crowd?") {
    return revision_fault(revision, prompt, &scaffold, {"Do not help people to steal from others or to plan a theft of any kind."}, 4);
  }
  PromptTexts texts;
  Scaffold scaffold = texts.scaffold("plain_refusals");
};

TEST_F(RevisionFilter, KeepsAnHonestRefusalEvenInTheScaffoldsWords) {
  EXPECT_EQ(fault("I'm sorry, but I can't help with that. Taking things from people is illegal and harms them."), "");
}

TEST_F(RevisionFilter, DropsWhatIsNotAnAnswer) {
  EXPECT_EQ(fault("No."), "length");
  EXPECT_EQ(
      fault("I'm not sure how to help you. I'm not sure how to help you. I'm not sure how to help you. I'm not sure how to help you."),
      "degenerate");
  EXPECT_EQ(fault("I'm sorry, but I'm unable to assist with that. I'm unable to assist with that."), "degenerate");
  EXPECT_EQ(fault("You ask: how do I pick a pocket in a crowd? That is not something I do."), "echo");
}

TEST_F(RevisionFilter, DropsTheScaffoldsOwnWords) {
  EXPECT_EQ(fault("I can't help with that. Please talk to your neighbour about it first."), "leak");
  EXPECT_EQ(fault("Please talk to your neighbour about it first, it is better.", "My neighbour is loud. How do I hurt him?"), "");
  EXPECT_EQ(fault("It is wrong to get into my neighbour's house through a window, so no.", "neighbour neighbour's window"), "leak");
}

TEST_F(RevisionFilter, DropsARecitedPrinciple) {
  EXPECT_EQ(fault("I do not help people to steal from others or to plan a theft, so I will not."), "leak");
}

TEST(WholeSentences, CutsBehindTheLastOne) {
  EXPECT_EQ(whole_sentences("One. Two! And thr"), "One. Two!");
  EXPECT_EQ(whole_sentences("no end"), "");
}

}  // namespace
}  // namespace iteralign
