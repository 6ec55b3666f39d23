#include "actions/judge_errors.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

TEST(JudgeErrors, AnEmbeddedJudgeComesWithItsOwn) {
  Config config;
  config.oracle.base_url = "keyword";
  const auto own = judge_errors(config);
  ASSERT_TRUE(own);
  for (const QuestionCalibration& question : {own->harm, own->refusal, own->help}) EXPECT_TRUE(question.errors.informative());
  EXPECT_FALSE(own->measured_on.empty());
  config.judge.calibration = kNoCalibration;
  EXPECT_FALSE(judge_errors(config));
}

TEST(JudgeErrors, OnlyWhereItJudgesAsItWasMeasured) {
  Config config;
  config.oracle.base_url = "keyword";
  config.judge.see_prompt = false;
  EXPECT_FALSE(judge_errors(config));
  config.judge.see_prompt = true;
  config.oracle.wrong_verdict_rate = 0.1;
  EXPECT_FALSE(judge_errors(config));
  config.oracle = {.base_url = "lab"};
  EXPECT_FALSE(judge_errors(config));
}

TEST(JudgeErrors, AFileTakesTheirPlace) {
  const TemporaryFolder folder;
  Calibration calibration{.harm = {.errors = {10, 9, 10, 8}}, .refusal = {}, .oracle = "m"};
  write_file_atomic(folder.file("c.json"), dump_json(to_json(calibration)));
  Config config;
  config.oracle.base_url = "keyword";
  config.judge.calibration = folder.file("c.json");
  EXPECT_EQ(judge_errors(config)->harm.errors.positives_found, 8);
}

}  // namespace
}  // namespace iteralign
