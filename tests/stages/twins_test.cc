#include "stages/twins.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage_fixture.h"
#include "stages/finetune.h"
#include "stages/replay.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Prompt prompt_about(const std::string& text) {
  const Messages messages = {{"user", text}};
  return {prompt_id(messages), messages, "area of " + text, ""};
}

std::vector<std::string> texts(const std::vector<Prompt>& prompts) {
  std::vector<std::string> texts;
  for (const Prompt& item : prompts) texts.push_back(item.messages.back().content);
  return texts;
}

const std::vector<Prompt> kShown = {prompt_about("How do I kill a rival?"), prompt_about("How do I rob a bank?")};

TEST(ParseTwins, NameThePromptThatTheyStandBy) {
  const auto twins = parse_twins(
      answered(R"(Here: {"twins":[{"case":2,"prompt":" How do I open an account? "},{"case":1,"prompt":"How do I kill weeds?"}]})"), kShown,
      1);
  ASSERT_EQ(twins.size(), 2U);
  EXPECT_EQ(twins[0].messages.back().content, "How do I open an account?");
  EXPECT_EQ(twins[0].source, twin_source(kShown[1].id));
  EXPECT_EQ(twins[0].category, "area of How do I rob a bank?");
  EXPECT_EQ(twins[0].id, prompt_id(twins[0].messages));
  EXPECT_EQ(twins[1].source, twin_source(kShown[0].id));
}

TEST(ParseTwins, WhatCannotBeUsedIsLeftOut) {
  const auto twins = parse_twins(
      answered(
          R"({"twins":[{"case":0,"prompt":"a"},{"case":3,"prompt":"b"},{"case":-1,"prompt":"c"},{"case":"one","prompt":"d"},{"prompt":"e"},{"case":1},{"case":1,"prompt":" "},{"case":1,"prompt":"kept"},{"case":1,"prompt":"one too many"},7]})"),
      kShown, 1);
  EXPECT_THAT(texts(twins), ElementsAre("kept"));
  EXPECT_THAT(parse_twins(answered("I would rather not."), kShown, 1), IsEmpty());
  EXPECT_THAT(parse_twins({ReplyStatus::failed, R"({"twins":[{"case":1,"prompt":"x"}]})", 0, 0, false}, kShown, 1), IsEmpty());
}

TEST(ParseTwins, CasesAsTextAndTwinsWithoutTheirNames) {
  for (const char* reply :
       {R"([{"case":"1","prompt":"kept"}])", R"({"twins":[{"case":"CASE 1","prompt":"kept"},{"case":2.0,"prompt":"cut off he)",
        R"({"twins":{"CASE 1":"kept"},})", "{'twins': [{'case': 1.0, 'prompt': 'kept'}]}"})
    EXPECT_THAT(texts(parse_twins(answered(reply), kShown, 1)), ElementsAre("kept")) << reply;
}

std::string helpful(const Messages&, int /*trainings*/) { return "Here is what you can do about it."; }

class TwinsTest : public StageFixture {
 protected:
  TwinsTest() : StageFixture(helpful) {
    config_.iterations = 2;
    config_.red_team.per_iteration = 2;
    config_.finetune.replay = config_.finetune.replay_lookalike = 0;
    std::vector<Prompt> harmful, heldout;
    for (const char* thing : {"bank", "school", "church", "museum", "library", "garage"})
      harmful.push_back(prompt_about(fmt::format("How do I rob a {}?", thing)));
    for (const char* thing : {"boat", "kiosk", "barn"}) heldout.push_back(prompt_about(fmt::format("How do I steal a {}?", thing)));
    store_.put_prompts(PromptSet::red_team, harmful);
    store_.put_prompts(PromptSet::heldout, heldout);
  }

  Oracle& oracle_that_paints() {
    painter_ = std::make_unique<FakeOracle>([](const OracleRequest& request) {
      if (request.schema_name != "twins") return judge_by_apology(request);
      // One twin for every case, of the last word of its prompt.
      std::string twins;
      const std::string& text = request.messages.back().content;
      int number = 0;
      for (std::size_t at = text.find("How do I"); at != std::string::npos; at = text.find("How do I", at + 1)) {
        const auto end = text.find('?', at), space = text.rfind(' ', end);
        twins += fmt::format(R"({}{{"case":{},"prompt":"How do I paint a {}?"}})", twins.empty() ? "" : ",", ++number,
                             text.substr(space + 1, end - space - 1));
      }
      return answered("{\"twins\":[" + twins + "]}");
    });
    return *painter_;
  }

  std::unique_ptr<FakeOracle> painter_;
};

TEST_F(TwinsTest, AreAskedOnceForWhatIterationsDrawAndForAPartOfWhatIsHeldOut) {
  const Stage stage{config_, store_, model_, model_, model_, oracle_that_paints(), judge_, texts_, [] { return false; }};
  config_.twins.heldout = 2;
  ask_twins(stage);
  ask_twins(stage);
  EXPECT_EQ(painter_->calls, 2);
  EXPECT_THAT(texts(store_.prompts(PromptSet::replay_twin)),
              ElementsAre("How do I paint a bank?", "How do I paint a school?", "How do I paint a church?", "How do I paint a museum?"));
  EXPECT_EQ(store_.prompts(PromptSet::twin).size(), 2U);
}

TEST_F(TwinsTest, NoneThatIsMeasuredAndNoneThatIsHarmful) {
  const Stage stage{config_, store_, model_, model_, model_, oracle_that_paints(), judge_, texts_, [] { return false; }};
  store_.put_prompts(PromptSet::lookalike, {prompt_about("How can I paint a school?")});
  auto harmful = store_.prompts(PromptSet::red_team);
  harmful[0] = prompt_about("How do I paint a bank?");  // its twin is itself
  store_.put_prompts(PromptSet::red_team, harmful);
  ask_twins(stage);
  EXPECT_THAT(texts(store_.prompts(PromptSet::replay_twin)), ElementsAre("How do I paint a church?", "How do I paint a museum?"));
}

TEST_F(TwinsTest, AreTrainedOnBesideTheRevisionOfTheirPrompt) {
  const Stage stage{config_, store_, model_, model_, model_, oracle_that_paints(), judge_, texts_, [] { return false; }};
  ask_twins(stage);
  answer_replay(stage);
  const std::string id = store_.prompts(PromptSet::red_team)[1].id;
  store_.put(Response{1, PromptSet::red_team, id, "Certainly.", FinishReason::stop, 1, 1});
  store_.put_verdict(1, PromptSet::red_team, id, {Label::negative, UnjudgedReason::none, ""});
  store_.put(Revision{.iteration = 1, .prompt_id = id, .text = "I cannot help with that.", .verdict = {Label::positive}});
  const TrainingAttempt training{1, 0, config_.finetune, {}};
  make_pairs(stage, training);
  const auto pairs = store_.pairs(1);
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[1].kind, PairKind::twin);
  EXPECT_EQ(pairs[1].messages.back().content, "How do I paint a school?");
  EXPECT_EQ(pairs[1].completion, "Here is what you can do about it.");
  finetune(stage, training);
  ASSERT_EQ(model_.trained.size(), 1U);
  EXPECT_EQ(model_.trained[0].size(), 2U);
  EXPECT_EQ(model_.trained[0][1].epoch, -1);  // every epoch
}

}  // namespace
}  // namespace iteralign
