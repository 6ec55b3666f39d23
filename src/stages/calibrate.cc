#include "stages/calibrate.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/strings.h"
#include "core/task_pool.h"
#include "iteralign/error.h"
#include "stages/evaluate.h"

namespace iteralign {
namespace {

Messages parse_prompt(const Json& prompt) {
  if (prompt.is_string()) return {{"user", prompt.get<std::string>()}};
  Messages messages;
  for (const Json& message : prompt) messages.push_back({message.at("role"), message.at("content")});
  return messages;
}

LabelledAnswer parse_answer(const Json& record) {
  LabelledAnswer answer;
  answer.prompt = parse_prompt(record.at("prompt"));
  answer.response = record.at("response");
  const std::string label = record.at("label"), question = record.value("question", "harm");
  if (label != "negative" && label != "positive") throw Error(ErrorKind::data, "the label is neither negative nor positive: " + label);
  if (question != "harm" && question != "refusal") throw Error(ErrorKind::data, "the question is neither harm nor refusal: " + question);
  answer.label = label == "negative" ? Label::negative : Label::positive;
  answer.question = question == "harm" ? Question::harm : Question::refusal;
  const std::string does = record.value("conduct", name(Conduct::unknown));
  const auto conduct = named<Conduct>(does);
  if (!conduct)
    throw Error(ErrorKind::data,
                "no answer has the conduct " + does + ": there are " + join({kNames<Conduct>.begin(), kNames<Conduct>.end()}, ", "));
  answer.conduct = *conduct;
  return answer;
}

LabelledAnswer read_answer(std::string_view line, const std::string& where) {
  const Json record = parse_json(line, where);
  try {
    return parse_answer(record);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("a key is missing or of the wrong type: ") + error.what(), where,
                R"(wanted: {"prompt": ..., "response": ..., "label": "negative" or "positive"})");
  } catch (const Error& error) {
    throw Error(ErrorKind::data, error.text(), where);
  }
}

// An answer, and how often it has each label.
struct Labels {
  LabelledAnswer answer;
  int negative = 0, positive = 0;
};

// The same text as a message of a user is the same prompt.
std::string identity(const LabelledAnswer& answer) {
  Json messages = Json::array();
  for (const Message& message : answer.prompt) messages.push_back({message.role, message.content});
  return dump_json({messages, answer.response, std::string(answer.question.name)});
}

LabelledAnswers majority(std::vector<Labels> all) {
  LabelledAnswers found;
  for (Labels& labels : all) {
    found.agreement.repeated += labels.negative + labels.positive > 1 ? 1 : 0;
    found.agreement.disagreeing += labels.negative > 0 && labels.positive > 0 ? 1 : 0;
    found.agreement.ties += labels.negative == labels.positive ? 1 : 0;
    if (labels.negative == labels.positive) continue;
    labels.answer.label = labels.negative > labels.positive ? Label::negative : Label::positive;
    found.answers.push_back(std::move(labels.answer));
  }
  return found;
}

void say_agreement(const std::string& path, const Agreement& labels) {
  if (labels.disagreeing > 0)
    log_warning(
        "{}: {} answers are labelled several times, {} of them not with the same label: the label of most counts, {} are left out "
        "for having as many of both",
        path, labels.repeated, labels.disagreeing, labels.ties);
  else if (labels.repeated > 0)
    log_info("{}: {} answers are labelled several times, always with the same label: each counts once", path, labels.repeated);
}

struct Verdicts {
  Verdict decided;
  std::vector<Label> repeats;
};

void add_agreement(QuestionCalibration& found, const std::vector<std::vector<int>>& votes) {
  bool any_judged = false;
  double same = 0;
  for (const std::vector<int>& of_label : votes) {
    for (const int n : of_label) same += n * (n - 1.0);
    any_judged |= of_label[static_cast<std::size_t>(Label::unjudged)] < found.repeats;
  }
  if (found.repeats < 2 || !any_judged) return;
  found.agreement = same / (static_cast<double>(votes.size()) * found.repeats * (found.repeats - 1.0));
  found.kappa = fleiss_kappa(votes);
}

// What one question is about: the truth about an answer (nothing: it is not asked about it), and what a verdict says.
struct Aspect {
  std::function<std::optional<Label>(const LabelledAnswer&)> truth;
  std::function<Label(const Verdict&)> said = [](const Verdict& verdict) { return verdict.label; };
  bool repeated = true;  // are the labels of repeats what it says?
};

Label unless(bool negative) { return negative ? Label::negative : Label::positive; }

const Aspect kHarm = {[](const LabelledAnswer& a) { return a.question == Question::harm ? std::optional(a.label) : std::nullopt; }};
// Who labels an answer to something else as a refusal means that it does not help.
const Aspect kRefusal = {[](const LabelledAnswer& a) {
  if (a.question == Question::harm) return std::optional<Label>();
  return std::optional(a.conduct == Conduct::unknown ? a.label : unless(a.conduct == Conduct::refuses));
}};
const Aspect kHelp = {[](const LabelledAnswer& a) {
                        const bool known = a.question == Question::refusal && a.conduct != Conduct::unknown;
                        return known ? std::optional(unless(is_unhelpful(a.conduct))) : std::nullopt;
                      },
                      [](const Verdict& v) { return v.conduct == Conduct::unknown ? Label::unjudged : unless(is_unhelpful(v.conduct)); },
                      /*repeated=*/false};

QuestionCalibration count(const std::vector<LabelledAnswer>& answers, const std::vector<Verdicts>& verdicts, const Aspect& asked) {
  QuestionCalibration found{.errors = {},
                            .repeats = static_cast<int>(verdicts.empty() || !asked.repeated ? 1 : verdicts[0].repeats.size())};
  std::vector<std::vector<int>> votes;
  std::vector<Verdict> decided;
  std::vector<ScoredAnswer> scored;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto truth = asked.truth(answers[i]);
    if (!truth) continue;
    decided.push_back(verdicts[i].decided);
    decided.back().label = asked.said(verdicts[i].decided);
    if (!asked.repeated) decided.back().probability.reset();  // it is that of the label
    scored.push_back({prompt_id(answers[i].prompt), *truth, answers[i].conduct, decided.back()});
    const bool negative = *truth == Label::negative;
    if (decided.back().label != Label::unjudged) {
      ++(negative ? found.errors.negatives : found.errors.positives);
      if (decided.back().label == *truth) ++(negative ? found.errors.negatives_found : found.errors.positives_found);
    }
    votes.emplace_back(3);
    for (const Label label : verdicts[i].repeats) ++votes.back()[static_cast<std::size_t>(label)];
  }
  found.unjudged = count_unjudged(decided);
  found.scores = calibration_scores(scored);
  add_agreement(found, votes);
  return found;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }
std::optional<double> number_or_nothing(const Json& value) { return value.is_null() ? std::nullopt : std::optional(value.get<double>()); }

Json question_json(const QuestionCalibration& c) {
  const Rate f1 = c.errors.f1();
  Json json = {{"sensitivity", rate_json(c.errors.negatives_found, c.errors.negatives)},
               {"specificity", rate_json(c.errors.positives_found, c.errors.positives)},
               {"accuracy", rate_json(c.errors.right(), c.errors.judged())},
               {"precision", rate_json(c.errors.negatives_found, c.errors.called_negative())},
               {"f1", f1.n == 0 ? Json() : Json{{"value", f1.rate}, {"ci95", {f1.low, f1.high}}}},
               {"unjudged", c.unjudged.count},
               {"unjudged_reasons", Json(c.unjudged.reasons)},
               {"repeats", c.repeats},
               {"agreement", or_null(c.agreement)},
               {"kappa", or_null(c.kappa)}};
  json.update(to_json(c.scores));
  return json;
}

QuestionCalibration parse_question(const Json& json) {
  const Json &sensitivity = json.at("sensitivity"), &specificity = json.at("specificity");
  return {.errors = {sensitivity.at("n"), sensitivity.at("count"), specificity.at("n"), specificity.at("count")},
          .unjudged = {.count = json.at("unjudged")},
          .repeats = json.at("repeats"),
          .agreement = number_or_nothing(json.at("agreement")),
          .kappa = number_or_nothing(json.at("kappa"))};
}

}  // namespace

LabelledAnswers read_labelled_answers(const std::string& path) {
  const std::string text = read_file(path);
  std::vector<Labels> all;
  std::map<std::string, std::size_t> places;
  int number = 0;
  for (const std::string_view line : split_lines(text)) {
    ++number;
    if (line.empty()) continue;
    const LabelledAnswer answer = read_answer(line, fmt::format("{}:{}", path, number));
    const auto [place, is_new] = places.emplace(identity(answer), all.size());
    if (is_new) all.push_back({answer});
    Labels& labels = all[place->second];
    ++(answer.label == Label::negative ? labels.negative : labels.positive);
  }
  if (all.empty()) throw Error(ErrorKind::data, "has no labelled answers", path);
  LabelledAnswers found = majority(std::move(all));
  say_agreement(path, found.agreement);
  if (found.answers.empty()) throw Error(ErrorKind::data, "has no answer whose labels do not contradict each other", path);
  return found;
}

Calibration calibrate(const Judge& judge, const LabelledAnswers& labelled, int repeats, int concurrency, const std::string& oracle) {
  const std::vector<LabelledAnswer>& answers = labelled.answers;
  std::vector<Verdicts> verdicts(answers.size());
  Progress progress("judge", static_cast<std::int64_t>(answers.size()), "answers");
  TaskPool pool(concurrency);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    pool.submit([&, i] {
      const LabelledAnswer& answer = answers[i];
      verdicts[i].decided = judge.judge(answer.question, answer.prompt, answer.response);
      for (int repeat = 0; repeat < repeats; ++repeat)
        verdicts[i].repeats.push_back(judge.vote(answer.question, answer.prompt, answer.response, repeat).label);
      progress.add();
    });
  }
  pool.wait();
  Calibration found{.harm = count(answers, verdicts, kHarm),
                    .refusal = count(answers, verdicts, kRefusal),
                    .help = count(answers, verdicts, kHelp),
                    .oracle = oracle,
                    .labels = labelled.agreement};
  warn_if_unjudged("answers (harm)", found.harm.unjudged);
  warn_if_unjudged("answers (refusal)", found.refusal.unjudged);
  return found;
}

Json to_json(const Calibration& calibration) {
  const Agreement& labels = calibration.labels;
  return {{"oracle", calibration.oracle},
          {"labels", {{"repeated", labels.repeated}, {"disagreeing", labels.disagreeing}, {"ties", labels.ties}}},
          {"measured_on", calibration.measured_on},
          {"harm", question_json(calibration.harm)},
          {"refusal", question_json(calibration.refusal)},
          {"help", question_json(calibration.help)}};
}

Calibration parse_calibration(const Json& json, const std::string& where) {
  try {
    return {.harm = parse_question(json.at("harm")),
            .refusal = parse_question(json.at("refusal")),
            .help = json.contains("help") ? parse_question(json.at("help")) : QuestionCalibration(),  // older programs measured none
            .oracle = json.at("oracle"),
            .measured_on = json.value("measured_on", "")};
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("is not a calibration: ") + error.what(), where, "iteralign judge calibrate writes one");
  }
}

Calibration read_calibration(const std::string& path) { return parse_calibration(read_json(path), path); }

}  // namespace iteralign
