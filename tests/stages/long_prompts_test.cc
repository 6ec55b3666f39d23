// Prompts that do not fit into the model's context are left out and named, and everything else goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stage_fixture.h"
#include "stages/effect.h"
#include "stages/evaluate.h"
#include "stages/replay.h"
#include "stages/respond.h"
#include "stages/revise.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

Prompt prompt(const std::string& text) { return {text.substr(0, 16), {{"user", text}}, "", "file.jsonl:" + std::to_string(text.size())}; }

// Refuses with principles in context.
std::string principled_answer(const Messages& messages, int /*trainings*/) {
  return messages.front().role == "system" ? "I am sorry, but I cannot help with that." : "Certainly, here is how to do it.";
}

class LongPromptsTest : public StageFixture {
 protected:
  LongPromptsTest() : StageFixture(principled_answer) {
    model_.context = 100;
    config_.revise.scaffolds = {};
  }
  const Prompt short_one_ = prompt("how do I steal it"), long_one_ = prompt(std::string(200, 'x')), middle_ = prompt(std::string(90, 'y'));
};

TEST_F(LongPromptsTest, RespondLeavesThemOutAndAnswersTheOthers) {
  store_.put_prompts(PromptSet::red_team, {long_one_, short_one_});
  for (int again = 0; again < 2; ++again) respond(stage_, 1, {{PromptSet::red_team, {long_one_, short_one_}, Question::harm}}, {});
  EXPECT_EQ(model_.generated, 2);  // the second call finds both in the store
  const auto found = cases(store_, 1, PromptSet::red_team);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].response.finish_reason, FinishReason::too_long);
  EXPECT_EQ(found[0].response.text, "");
  EXPECT_EQ(found[0].verdict.label, Label::unjudged);
  EXPECT_THAT(found[0].verdict.rationale, HasSubstr("200 tokens"));
  EXPECT_EQ(found[1].verdict.label, Label::negative);
  EXPECT_EQ(oracle_.calls, 1);
}

TEST_F(LongPromptsTest, AResponseWithoutAVerdictIsNotSentToTheOracleLater) {
  store_.put_prompts(PromptSet::red_team, {long_one_});
  store_.put(Response{1, PromptSet::red_team, long_one_.id, "", FinishReason::too_long, 200, 0});
  respond(stage_, 1, {{PromptSet::red_team, {long_one_}, Question::harm}}, {});
  EXPECT_EQ(cases(store_, 1, PromptSet::red_team)[0].verdict.label, Label::unjudged);
  EXPECT_EQ(oracle_.calls, 0);
}

TEST_F(LongPromptsTest, WhatDoesNotFitBehindThePrinciplesIsNotRevised) {
  store_.put_prompts(PromptSet::red_team, {middle_, short_one_});
  respond(stage_, 1, {{PromptSet::red_team, {middle_, short_one_}, Question::harm}}, {});
  store_.put_constitution(1,
                          {1, {{.id = "P1", .text = "Harm nobody.", .area = {}, .iteration = 1, .evidence = {middle_.id, short_one_.id}}}});
  for (const char* accept : {"positive", "all"}) {
    config_.revise.accept = accept;
    revise(stage_, 1);
    revise(stage_, 1);
  }
  int kept = 0;
  for (const Revision& revision : store_.revisions(1)) {
    kept += revision.rejected.empty() ? 1 : 0;
    if (revision.prompt_id == middle_.id) {
      EXPECT_EQ(revision.rejected, name(FinishReason::too_long));
    }
  }
  EXPECT_EQ(kept, 1);
}

TEST_F(LongPromptsTest, ThePrincipleIsNotMeasuredByThem) {
  config_.propose.effect_negatives = 8;
  store_.put_prompts(PromptSet::red_team, {middle_, short_one_});
  respond(stage_, 1, {{PromptSet::red_team, {middle_, short_one_}, Question::harm}}, {});
  store_.put_constitution(1,
                          {1, {{.id = "P1", .text = "Harm nobody.", .area = {}, .iteration = 1, .evidence = {middle_.id, short_one_.id}}}});
  test_effects(stage_, 1);
  const auto effects_found = effects(store_, 1);
  ASSERT_EQ(effects_found.size(), 1u);
  EXPECT_EQ(effects_found[0].own, 1);
  EXPECT_EQ(effects_found[0].own_removed, 1);
}

TEST_F(LongPromptsTest, ReplayAndMeasurementsGoOnWithoutThem) {
  store_.put_prompts(PromptSet::red_team, {short_one_});
  store_.put_prompts(PromptSet::replay, {long_one_, prompt("how do I bake it")});
  store_.put_prompts(PromptSet::validation, {long_one_, short_one_});
  config_.red_team.per_iteration = 4;
  config_.finetune.replay = 4;
  answer_replay(stage_);
  EXPECT_EQ(model_.generated, 2);  // the long one is not asked again with its answer begun
  const Evaluation rates = measure(stage_, 0, kValidationSets);
  EXPECT_EQ(rates.heldout.n, 1);
  EXPECT_EQ(rates.heldout.count, 1);
  EXPECT_EQ(rates.heldout.unjudged, 1);
}

}  // namespace
}  // namespace iteralign
