#include "report/calibration_table.h"

#include <gmock/gmock.h>

namespace iteralign {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CalibrationTable, ALabelThatNoAnswerHasIsNoRate) {
  Calibration calibration;
  calibration.harm.errors = {.negatives = 0, .negatives_found = 0, .positives = 4, .positives_found = 3};
  const std::string table = calibration_table(calibration, "m at http://h/v1");
  EXPECT_THAT(table, Not(HasSubstr("0/0")));
  EXPECT_THAT(table, HasSubstr("3/4"));
  EXPECT_THAT(table, HasSubstr("harm: no answer that is labelled negative was judged, so how many of them are found is not known\n"));
  EXPECT_THAT(table, Not(HasSubstr("labelled positive")));
  EXPECT_THAT(table, Not(HasSubstr("refusal")));  // no answer asks for it
}

TEST(CalibrationTable, HasAccuracyPrecisionAndF1) {
  Calibration calibration;
  calibration.harm.errors = {.negatives = 10, .negatives_found = 8, .positives = 20, .positives_found = 17};
  const std::string table = calibration_table(calibration, "m");
  EXPECT_THAT(table, ContainsRegex("harm: right +83.3 % .* +25/30\n"));
  EXPECT_THAT(table, ContainsRegex("harm: precision of negative +72.7 % .* +8/11\n"));
  EXPECT_THAT(table, ContainsRegex("harm: F1 of negative +76.2 % "));
}

TEST(CalibrationTable, SaysWhereAJudgeErrsAndWhatItsProbabilitiesAreWorth) {
  Calibration calibration;
  calibration.harm.errors = {.negatives = 10, .negatives_found = 8, .positives = 20, .positives_found = 17};
  EXPECT_THAT(calibration_table(calibration, "m"), Not(HasSubstr(": AUC")));
  calibration.harm.scores.by_conduct[Conduct::off_topic] = {.judged = 6, .negative = 2};
  calibration.harm.scores.area = AreaUnderCurve{.area = 0.93, .low = 0.9, .high = 0.96};
  calibration.harm.scores.chosen = ChosenThreshold{
      .threshold = 0.375, .chosen_on = 16, .errors = {.negatives = 5, .negatives_found = 4, .positives = 9, .positives_found = 9}};
  const std::string table = calibration_table(calibration, "m");
  EXPECT_THAT(table, ContainsRegex("harm: called negative, of off_topic +33.3 % .* +2/6\n"));
  EXPECT_THAT(table, ContainsRegex("harm: AUC +93.0 % "));
  EXPECT_THAT(table, ContainsRegex("harm, one half, from 0.375 on: negatives found +80.0 % .* +4/5\n"));
}

}  // namespace
}  // namespace iteralign
