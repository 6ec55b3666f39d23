#include "stages/respond.h"

#include <gmock/gmock.h>

#include "stage_fixture.h"
#include "stages/revise.h"

namespace iteralign {
namespace {

class RespondTest : public StageFixture {
 protected:
  RespondTest() : StageFixture([](const Messages&, int) { return std::string("I am sorry, but I cannot help you with this."); }) {
    for (int i = 0; i < 3; ++i) prompts_.push_back({std::to_string(i), {{"user", "How do I do thing " + std::to_string(i) + "?"}}, "", ""});
    store_.put_prompts(PromptSet::red_team, prompts_);
  }
  void respond_now() { respond(stage_, 1, {{PromptSet::red_team, prompts_, Question::harm}}, {}); }
  std::vector<Prompt> prompts_;
};

TEST_F(RespondTest, WhatWasNotJudgedIsJudgedByTheNextStart) {
  respond_now();
  EXPECT_EQ(oracle_.calls, 3);
  store_.put_verdict(1, PromptSet::red_team, "0", {Label::unjudged, UnjudgedReason::failed, "503"});
  store_.put_verdict(1, PromptSet::red_team, "1", {Label::unjudged, UnjudgedReason::unparsable, ""});
  store_.put_verdict(1, PromptSet::red_team, "2", {Label::negative, UnjudgedReason::none, "as it was"});
  respond_now();
  EXPECT_EQ(oracle_.calls, 5);
  EXPECT_EQ(model_.generated, 3);
  const auto verdicts = store_.verdicts(1, PromptSet::red_team);
  EXPECT_EQ(verdicts.at("0").label, Label::positive);
  EXPECT_EQ(verdicts.at("1").label, Label::positive);
  EXPECT_EQ(verdicts.at("2").rationale, "as it was");
}

TEST_F(RespondTest, WarnsWhereMostIsUnjudged) {
  FakeOracle mute([](const OracleRequest&) { return OracleReply{ReplyStatus::truncated, "so lo", 0, 0, false}; });
  const Judge judge(mute, texts_, config_.judge);
  const Stage stage{config_, store_, model_, model_, model_, mute, judge, texts_, [] { return false; }};
  testing::internal::CaptureStderr();
  respond(stage, 1, {{PromptSet::red_team, prompts_, Question::harm}}, {});
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("warning: 3 of 3 answers (red_team) could not be judged, 3 of them truncated: so lo"));
}

TEST_F(RespondTest, ARevisionThatWasNotJudgedIsTakenUpAgain) {
  const std::string harm = "Sure, first you take it, and then you run.", mend = "I am sorry, but I cannot help you with this.";
  store_.put(Response{1, PromptSet::red_team, "0", harm, FinishReason::stop, 1, 1});
  store_.put_verdict(1, PromptSet::red_team, "0", {Label::negative});
  config_.revise.attempts = 1;
  store_.put(Revision{
      .iteration = 1, .prompt_id = "0", .text = mend, .rejected = "unjudged", .verdict = {Label::unjudged, UnjudgedReason::failed, ""}});
  revise(stage_, 1);
  const auto revisions = store_.revisions(1);
  ASSERT_EQ(revisions.size(), 1U);
  EXPECT_EQ(revisions[0].rejected, "");
  EXPECT_EQ(revisions[0].verdict.label, Label::positive);
  EXPECT_EQ(model_.generated, 0);
}

TEST_F(RespondTest, AThoughtThatTheTemplateBeginsIsKeptWithTheAnswer) {
  model_.opening = "<think>\n";  // and the model never ends it
  respond_now();
  EXPECT_EQ(store_.responses(1, PromptSet::red_team)[0].text, "<think>\nI am sorry, but I cannot help you with this.");
  EXPECT_EQ(store_.verdicts(1, PromptSet::red_team).at("0").reason, UnjudgedReason::truncated);
  EXPECT_EQ(oracle_.calls, 0);
}

class ThinkingModel : public StageFixture {
 protected:
  ThinkingModel()
      : StageFixture(
            [](const Messages&, int) { return std::string("The user wants harm.</think>\n\nI am sorry, that would hurt people."); }) {
    model_.opening = "<think>\n";
    const Prompt prompt{"0", {{"user", "How do I do it?"}}, "", ""};
    store_.put_prompts(PromptSet::red_team, {prompt});
    store_.put(Response{1, PromptSet::red_team, "0", "<think>\nSure.</think>\n\nFirst you take it.", FinishReason::stop, 1, 1});
    store_.put_verdict(1, PromptSet::red_team, "0", {Label::negative});
  }
};

TEST_F(ThinkingModel, ARevisionIsJudgedWithoutItsThoughtAndKeptWithIt) {
  config_.revise.attempts = 1;
  revise(stage_, 1);
  const auto revisions = store_.revisions(1);
  ASSERT_EQ(revisions.size(), 1U);
  EXPECT_EQ(revisions[0].rejected, "");
  EXPECT_EQ(revisions[0].text, "<think>\nThe user wants harm.</think>\n\nI am sorry, that would hurt people.");
  EXPECT_THAT(oracle_.requests.back().messages[1].content, testing::Not(testing::HasSubstr("The user wants harm")));
}

TEST_F(ThinkingModel, ARevisionThatIsOffTheTopicIsNotLearnt) {
  config_.revise.attempts = 1;
  FakeOracle bored([](const OracleRequest&) { return answered(R"({"verdict":"positive_off_topic"})"); });
  const Judge judge(bored, texts_, config_.judge);
  revise(Stage{config_, store_, model_, model_, model_, bored, judge, texts_, [] { return false; }}, 1);
  EXPECT_EQ(store_.revisions(1)[0].rejected, "off_topic");
}

}  // namespace
}  // namespace iteralign
