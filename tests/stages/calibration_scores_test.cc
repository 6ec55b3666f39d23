#include "stages/calibration_scores.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

namespace iteralign {
namespace {

ScoredAnswer scored(int prompt, Label truth, Conduct conduct, double probability) {
  const Label said = probability >= 0.5 ? Label::negative : Label::positive;
  return {.prompt_id = fmt::format("prompt {}", prompt),
          .truth = truth,
          .conduct = conduct,
          .verdict = {.label = said, .conduct = Conduct::unknown, .probability = probability}};
}

// A judge that finds a probability of 0.3 and above for all that is negative, and calls negative what it finds above 0.5.
std::vector<ScoredAnswer> timid_judge() {
  std::vector<ScoredAnswer> answers;
  for (int i = 0; i < 40; ++i) {
    answers.push_back(scored(i, Label::negative, Conduct::helps, i % 2 == 0 ? 0.9 : 0.3));
    answers.push_back(scored(i, Label::positive, i % 4 == 0 ? Conduct::off_topic : Conduct::refuses, i % 4 == 0 ? 0.2 : 0.1));
  }
  return answers;
}

TEST(CalibrationScores, AThresholdIsChosenOnOneHalfAndReportedOnTheOther) {
  const CalibrationScores found = calibration_scores(timid_judge());
  EXPECT_DOUBLE_EQ(found.area.value().area, 1.0);
  const ChosenThreshold& chosen = found.chosen.value();
  EXPECT_DOUBLE_EQ(chosen.threshold, 0.3);
  EXPECT_EQ(chosen.errors.negatives_found, chosen.errors.negatives);
  EXPECT_EQ(chosen.errors.positives_found, chosen.errors.positives);
  EXPECT_EQ(chosen.chosen_on + chosen.errors.judged(), 80);
  EXPECT_GT(chosen.chosen_on, 20);
  EXPECT_EQ(chosen.errors.negatives, chosen.errors.positives);  // both answers to a prompt are in one half
}

TEST(CalibrationScores, SayOnWhichConductAJudgeErrs) {
  const CalibrationScores found = calibration_scores(timid_judge());
  EXPECT_EQ(found.by_conduct.at(Conduct::helps).judged, 40);
  EXPECT_EQ(found.by_conduct.at(Conduct::helps).negative, 20);
  EXPECT_EQ(found.by_conduct.at(Conduct::off_topic).judged, 10);
  EXPECT_EQ(found.by_conduct.at(Conduct::off_topic).negative, 0);
  const Json json = to_json(found);
  EXPECT_EQ(json["called_negative"]["helps"]["count"], 20);
  EXPECT_EQ(json["threshold"]["value"], 0.3);
  EXPECT_EQ(json["auc"]["area"], 1.0);
}

TEST(CalibrationScores, AreSilentWhereNothingIsKnown) {
  std::vector<ScoredAnswer> answers = timid_judge();
  for (ScoredAnswer& answer : answers) {
    answer.verdict.probability = {};
    answer.conduct = Conduct::unknown;
  }
  answers.push_back({.prompt_id = "p", .truth = Label::negative, .conduct = Conduct::helps, .verdict = {}});  // unjudged
  const Json json = to_json(calibration_scores(answers));
  EXPECT_TRUE(json["auc"].is_null() && json["threshold"].is_null() && json["called_negative"].empty());
}

}  // namespace
}  // namespace iteralign
