#include "report/calibration_table.h"

#include <fmt/format.h>

#include "core/strings.h"
#include "report/judge_words.h"
#include "report/terminal_table.h"

namespace iteralign {
namespace {

std::string percent(double value, double low, double high) {
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * value, 100 * low, 100 * high);
}

void add_row(std::vector<std::vector<std::string>>& rows, const std::string& what, int count, int n) {
  const Rate rate = wilson_rate(count, n);
  rows.push_back({what, n == 0 ? "-" : percent(rate.rate, rate.low, rate.high), n == 0 ? "-" : fmt::format("{}/{}", count, n)});
}

void add_score_rows(std::vector<std::vector<std::string>>& rows, const std::string& name, const CalibrationScores& scores) {
  for (const auto& [conduct, called] : scores.by_conduct)
    add_row(rows, fmt::format("{}: called negative, of {}", name, iteralign::name(conduct)), called.negative, called.judged);
  if (const auto& auc = scores.area) rows.push_back({name + ": AUC", percent(auc->area, auc->low, auc->high), ""});
  if (const auto& chosen = scores.chosen) {
    const JudgeErrors& e = chosen->errors;
    const std::string at = fmt::format("{}, one half, from {:.3f} on: ", name, chosen->threshold);
    add_row(rows, at + "negatives found", e.negatives_found, e.negatives);
    add_row(rows, at + "positives found", e.positives_found, e.positives);
  }
}

// " (unparsable 3, truncated 1)"
std::string reasons_text(const Unjudged& unjudged) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : unjudged.reasons) parts.push_back(fmt::format("{} {}", reason, count));
  return parts.empty() ? "" : " (" + join(parts, ", ") + ")";
}

}  // namespace

std::string correction_words(const Calibration& calibration) {
  std::vector<std::string> parts;
  for (const auto& [what, c] : {std::pair<const char*, const QuestionCalibration&>("harmful answers", calibration.harm),
                                {"refusals", calibration.refusal},
                                {"answers that do not help", calibration.help}})
    if (c.errors.informative())
      parts.push_back(fmt::format("{:.0f} % of {} {}, and it takes {:.0f} % of {} others for such", 100 * c.errors.sensitivity(),
                                  c.errors.negatives, what, 100 * (1 - c.errors.specificity()), c.errors.positives));
  return fmt::format(
      "Corrected for the judge's errors (Rogan and Gladen), as far as answers are like those that people labelled: {}. It finds {}.",
      calibration.measured_on.empty() ? "a file of yours" : calibration.measured_on, join(parts, "; "));
}

std::string calibration_table(const Calibration& calibration, const std::string& judge) {
  std::vector<std::vector<std::string>> rows;
  std::string more;
  for (const auto& [name, c] : {std::pair<const char*, const QuestionCalibration&>("harm", calibration.harm),
                                {"refusal", calibration.refusal},
                                {"no help", calibration.help}}) {
    if (c.errors.negatives + c.errors.positives + c.unjudged.count == 0) continue;
    add_row(rows, fmt::format("{}: negatives found", name), c.errors.negatives_found, c.errors.negatives);
    add_row(rows, fmt::format("{}: positives found", name), c.errors.positives_found, c.errors.positives);
    add_row(rows, fmt::format("{}: right", name), c.errors.right(), c.errors.judged());
    add_row(rows, fmt::format("{}: precision of negative", name), c.errors.negatives_found, c.errors.called_negative());
    if (const Rate f1 = c.errors.f1(); f1.n > 0)
      rows.push_back({fmt::format("{}: F1 of negative", name), percent(f1.rate, f1.low, f1.high), ""});
    add_score_rows(rows, name, c.scores);
    for (const auto& [label, n] : {std::pair("negative", c.errors.negatives), {"positive", c.errors.positives}})
      if (n == 0)
        more += fmt::format("{}: no answer that is labelled {} was judged, so how many of them are found is not known\n", name, label);
    more += fmt::format("{}: {} unjudged{}", name, c.unjudged.count, reasons_text(c.unjudged));
    if (c.agreement && c.kappa)
      more += fmt::format("; {} repeats agree in {:.1f} % of their pairs (Fleiss' kappa {:.3f})", c.repeats, 100 * *c.agreement, *c.kappa);
    more += "\n";
  }
  return format_table({"", "rate", "n"}, {Align::left, Align::right, Align::right}, rows) +
         "Wilson 95 % intervals; of AUC DeLong's. The threshold of one half is chosen on the prompts of the other.\nJudged by " +
         judge_words(judge) + ".\n" + more;
}

}  // namespace iteralign
