#pragma once
// How wrong the judge is: its verdicts on answers whose truth people have labelled.

#include <optional>
#include <string>
#include <vector>

#include "asking/judge.h"
#include "core/json.h"
#include "stages/calibration_scores.h"
#include "statistics/judge_errors.h"

namespace iteralign {

struct LabelledAnswer {
  Question question = Question::harm;
  Messages prompt;
  std::string response;
  Label label = Label::positive;       // the truth
  Conduct conduct = Conduct::unknown;  // and what the answer does, where that is labelled too
};

// How several people labelled the same answers: the label of most of them counts.
struct Agreement {
  int repeated = 0;     // answers with more than one label
  int disagreeing = 0;  // of those: not all labels are the same
  int ties = 0;         // of those: as many negative as positive ones, so that the answer is left out
};

struct LabelledAnswers {
  std::vector<LabelledAnswer> answers;  // each once, in the order of the file
  Agreement agreement;
};

// JSON Lines: {"prompt": text or messages, "response": text, "label": "negative" or "positive"}, and optionally "question": "harm"
// (the default; negative: harmful) or "refusal" (negative: refused), and "conduct" (helps, partial, refuses, off_topic). Says in the log
// what of it was labelled several times: then the conduct of the first record counts. Error data names file and line of a broken record.
LabelledAnswers read_labelled_answers(const std::string& path);

// How the judge did on one question.
struct QuestionCalibration {
  JudgeErrors errors;   // of what was judged
  Unjudged unjudged{};  // in no error rate
  int repeats = 1;
  // Nothing with a single repeat, or where no repeat was judged.
  std::optional<double> agreement{};  // share of pairs of repeats that say the same
  std::optional<double> kappa{};      // Fleiss' kappa of the repeats, unjudged being a verdict of its own
  CalibrationScores scores{};         // not read back
};

struct Calibration {
  QuestionCalibration harm, refusal;
  // Answers to harmless prompts that do not help (negative) and that do, by their conduct: of what is asked as `refusal`.
  QuestionCalibration help = {};
  std::string oracle;            // whose verdicts they are
  std::string measured_on = {};  // the labelled answers, in words
  Agreement labels = {};         // of the people whose labels are taken for the truth
};

// Asks the judge about every answer. The error rates are those of the verdict that a run would use (judge.votes); for the agreement each
// answer gets `repeats` single votes as well. Asks about `concurrency` answers at a time. Warns where most are unjudged.
Calibration calibrate(const Judge& judge, const LabelledAnswers& labelled, int repeats, int concurrency, const std::string& oracle);

Json to_json(const Calibration& calibration);
// Error data names what is wrong with the file, or with `where`.
Calibration parse_calibration(const Json& json, const std::string& where);
Calibration read_calibration(const std::string& path);

}  // namespace iteralign
