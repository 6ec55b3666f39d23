#include "stages/calibrate.h"

#include <gtest/gtest.h>

#include "asking/fence.h"
#include "core/files.h"
#include "core/strings.h"
#include "fakes.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

class Calibrating : public ::testing::Test {
 protected:
  std::string write(const std::string& lines) {
    write_file_atomic(folder_.file("gold.jsonl"), lines);
    return folder_.file("gold.jsonl");
  }
  std::string error_of(const std::string& lines) {
    try {
      read_labelled_answers(write(lines));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      return error.what();
    }
    return "";
  }
  const TemporaryFolder folder_;
};

// Calls every fourth harmful answer harmless and one harmless answer harmful; does not answer about a fifth kind. Asked a second time it is
// right.
OracleReply erring_judge(const OracleRequest& request) {
  const std::string text = parse_fences(request.messages.back().content).back().text;
  if (contains(text, "mumble")) return answered("I cannot say.");
  const bool harmful = contains(text, "harmful"), wrong = contains(text, "tricky") && request.repeat == 0;
  return answered(harmful != wrong ? R"({"verdict":"negative"})" : R"({"verdict":"positive"})");
}

TEST_F(Calibrating, CountsBothKindsOfErrorAndTheAgreement) {
  std::string lines;
  for (int i = 0; i < 8; ++i)
    lines += R"({"prompt":"p","response":"harmful )" + std::string(i % 4 == 0 ? "tricky " : "") + std::to_string(i) +
             R"(","label":"negative"})" + "\n";
  for (int i = 0; i < 5; ++i)
    lines +=
        R"({"prompt":"p","response":"fine )" + std::string(i == 0 ? "tricky " : "") + std::to_string(i) + R"(","label":"positive"})" + "\n";
  lines += R"({"prompt":[{"role":"user","content":"p"}],"response":"mumble","label":"positive"})"
           "\n";
  FakeOracle oracle(erring_judge);
  const PromptTexts texts;
  const JudgeConfig config;
  const Judge judge(oracle, texts, config);
  const auto answers = read_labelled_answers(write(lines));
  ASSERT_EQ(answers.answers.size(), 14u);
  const Calibration calibration = calibrate(judge, answers, 2, 4, "fake");
  const QuestionCalibration& harm = calibration.harm;
  EXPECT_EQ(harm.errors.negatives, 8);
  EXPECT_EQ(harm.errors.negatives_found, 6);
  EXPECT_EQ(harm.errors.positives, 5);
  EXPECT_EQ(harm.errors.positives_found, 4);
  EXPECT_EQ(harm.unjudged.count, 1);
  EXPECT_NEAR(harm.agreement.value(), 11 / 14.0, 1e-12);
  EXPECT_LT(harm.kappa.value(), harm.agreement.value());
  EXPECT_EQ(calibration.refusal.errors.negatives, 0);
  EXPECT_FALSE(calibration.refusal.errors.informative());

  const Json json = to_json(calibration)["harm"];
  EXPECT_EQ(json["accuracy"]["count"], 10);
  EXPECT_EQ(json["accuracy"]["n"], 13);
  EXPECT_EQ(json["precision"]["count"], 6);
  EXPECT_EQ(json["precision"]["n"], 7);
  EXPECT_NEAR(json["f1"]["value"].get<double>(), 12 / 15.0, 1e-12);
  EXPECT_TRUE(to_json(calibration)["refusal"]["f1"].is_null());

  write_file_atomic(folder_.file("calibration.json"), dump_json(to_json(calibration)));
  const Calibration read = read_calibration(folder_.file("calibration.json"));
  EXPECT_EQ(read.harm.errors.negatives_found, 6);
  EXPECT_EQ(read.oracle, "fake");
}

// Three ask whether it is refused, four what the answer does.
TEST_F(Calibrating, HelpIsMeasuredWhereTheConductIsLabelled) {
  const auto record = [](const char* response, const char* label, const std::string& conduct) {
    return R"({"prompt":"p","question":"refusal","response":")" + std::string(response) + R"(","label":")" + label + "\"" +
           (conduct.empty() ? "" : R"(,"conduct":")" + conduct + "\"") + "}\n";
  };
  const std::string lines = record("sorry", "negative", "refuses") + record("sorry too", "negative", "") +
                            record("babble", "negative", "off_topic") + record("fine babble", "positive", "off_topic") +
                            record("half", "positive", "partial");
  FakeOracle oracle([](const OracleRequest& request) {
    const std::string text = parse_fences(request.messages.back().content).back().text;
    return answered(contains(text, "sorry")    ? R"({"conduct":"refuses"})"
                    : contains(text, "fine")   ? R"({"conduct":"helps"})"
                    : contains(text, "babble") ? R"({"conduct":"off_topic"})"
                                               : R"({"conduct":"partial"})");
  });
  const PromptTexts texts;
  const JudgeConfig config;
  const Calibration found = calibrate(Judge(oracle, texts, config), read_labelled_answers(write(lines)), 2, 1, "fake");
  // An answer to something else is no refusal, whatever its label.
  EXPECT_EQ(found.refusal.errors.negatives, 2);
  EXPECT_EQ(found.refusal.errors.negatives_found, 2);
  EXPECT_EQ(found.refusal.errors.positives, 3);
  EXPECT_EQ(found.refusal.errors.positives_found, 3);
  EXPECT_EQ(found.help.errors.negatives, 3);
  EXPECT_EQ(found.help.errors.negatives_found, 2);
  EXPECT_EQ(found.help.errors.positives, 1);
  EXPECT_EQ(found.help.errors.positives_found, 1);
  EXPECT_EQ(found.help.repeats, 1);
  EXPECT_EQ(parse_calibration(to_json(found), "x").help.errors.negatives_found, 2);
  Json older = to_json(found);
  older.erase("help");
  EXPECT_EQ(parse_calibration(older, "x").help.errors.negatives, 0);
  EXPECT_NE(error_of(record("r", "positive", "mumbles")).find("mumbles"), std::string::npos);
}

TEST_F(Calibrating, WhereNothingIsJudgedThereIsNoRateAndNoAgreement) {
  FakeOracle oracle([](const OracleRequest&) { return answered("I will not grade this."); });
  const PromptTexts texts;
  const JudgeConfig config;
  const Judge judge(oracle, texts, config);
  const auto answers = read_labelled_answers(write(R"({"prompt":"p","response":"r","label":"negative"})"));
  testing::internal::CaptureStderr();
  const Json json = to_json(calibrate(judge, answers, 3, 1, "fake"))["harm"];
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("warning: 1 of 1 answers (harm) could not be judged, 1 of them unparsable"), std::string::npos) << said;
  EXPECT_TRUE(json["agreement"].is_null() && json["kappa"].is_null() && json["sensitivity"]["rate"].is_null());
  EXPECT_TRUE(json["sensitivity"]["ci95"].is_null());
  EXPECT_EQ(json["unjudged_reasons"]["unparsable"], 1);
}

// Public files of labels have several raters.
TEST_F(Calibrating, LabelsOfSeveralPeopleAreMergedAndTheirDisagreementIsTold) {
  const auto label = [](const std::string& response, const std::string& label) {
    return R"({"prompt":"p","response":")" + response + R"(","label":")" + label + "\"}\n";
  };
  testing::internal::CaptureStderr();
  LabelledAnswers read = read_labelled_answers(write(label("a", "negative") + label("b", "positive") + label("a", "negative") +
                                                     R"({"prompt":[{"role":"user","content":"p"}],"response":"b","label":"positive"})"));
  std::string said = testing::internal::GetCapturedStderr();
  ASSERT_EQ(read.answers.size(), 2u);
  EXPECT_EQ(read.agreement.repeated, 2);
  EXPECT_EQ(read.agreement.disagreeing, 0);
  EXPECT_NE(said.find("2 answers are labelled several times"), std::string::npos) << said;

  testing::internal::CaptureStderr();
  read = read_labelled_answers(write(label("most", "positive") + label("tie", "negative") + label("most", "negative") +
                                     label("tie", "positive") + label("most", "negative") + label("one", "positive")));
  said = testing::internal::GetCapturedStderr();
  ASSERT_EQ(read.answers.size(), 2u);
  EXPECT_EQ(read.answers[0].response, "most");
  EXPECT_EQ(read.answers[0].label, Label::negative);
  EXPECT_EQ(read.answers[1].response, "one");
  EXPECT_NE(said.find("warning: "), std::string::npos);
  EXPECT_NE(said.find("2 of them not with the same label"), std::string::npos) << said;
  FakeOracle oracle(erring_judge);
  const JudgeConfig config;
  const PromptTexts texts;
  const Json json = to_json(calibrate(Judge(oracle, texts, config), read, 1, 1, "fake"));
  EXPECT_EQ(json["labels"], Json({{"repeated", 2}, {"disagreeing", 2}, {"ties", 1}}));
  EXPECT_NE(error_of(label("a", "negative") + label("a", "positive")).find("contradict"), std::string::npos);
  EXPECT_EQ(
      read_labelled_answers(write(label("a", "negative") + R"({"prompt":"p","response":"a","label":"positive","question":"refusal"})"))
          .answers.size(),
      2u);  // another question
}

TEST_F(Calibrating, BrokenRecordsAreNamed) {
  EXPECT_NE(error_of("").find("no labelled answers"), std::string::npos);
  EXPECT_NE(error_of("{}\n").find("gold.jsonl:1"), std::string::npos);
  EXPECT_NE(error_of(R"({"prompt":"p","response":"r","label":"bad"})").find("neither negative nor positive"), std::string::npos);
  write_file_atomic(folder_.file("x.json"), "{}");
  EXPECT_THROW(read_calibration(folder_.file("x.json")), Error);
}

}  // namespace
}  // namespace iteralign
