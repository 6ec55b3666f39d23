#include "pipeline/gate.h"

#include <fmt/format.h>

#include <cmath>

#include "core/log.h"
#include "iteralign/error.h"
#include "stages/evaluate.h"
#include "stages/scoring.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

// How well the weights foresee what the base model answered.
std::optional<double> own_answers_perplexity(const Stage& stage) {
  std::vector<ScoreRequest> requests;
  for (const Case& item : cases(stage.store, 0, kGateSets.benign))
    if (item.verdict.label == Label::positive && !item.response.text.empty())
      requests.push_back({.context = "", .continuations = {item.response.text}, .messages = item.prompt.messages});
  if (requests.empty()) return std::nullopt;
  double loss = 0, tokens = 0;
  for (const auto& scores : score_answers(stage, "perplexity of the base model's answers", requests)) {
    if (scores.empty()) continue;
    loss -= scores[0].loglikelihood;
    tokens += static_cast<double>(scores[0].token_loglikelihoods.size());
  }
  return tokens == 0 ? std::nullopt : std::optional(std::exp(loss / tokens));
}

Rate both(const Rate& a, const Rate& b) { return wilson_rate(a.count + b.count, a.n + b.n, a.unjudged + b.unjudged); }

void check_rise(const char* what, const Rate& candidate, const Rate& reference, const char* of_what, double allowed,
                std::vector<std::string>& faults) {
  const double rise = worst_rate(candidate) - worst_rate(reference);
  if (candidate.n + candidate.unjudged == 0 || reference.n + reference.unjudged == 0 || rise <= allowed + 1e-12) return;
  faults.push_back(fmt::format("{} {} against {} of the {}: up by {:.1f} points, allowed are {:.1f}", what, counts_text(candidate),
                               counts_text(reference), of_what, 100 * rise, 100 * allowed));
}

// Broken weights give NaN, which no comparison with the limit accepts.
void check_perplexity(const std::string& what, double candidate, double base, const GateConfig& config, std::vector<std::string>& faults) {
  if (candidate <= base * (1 + config.max_perplexity_rise)) return;
  faults.push_back(fmt::format("{} {:.3f} against its {:.3f}: up by {:.1f} %, allowed are {:.1f}", what, candidate, base,
                               100 * (candidate / base - 1), 100 * config.max_perplexity_rise));
}

}  // namespace

double worst_rate(const Rate& rate) {
  const int asked = rate.n + rate.unjudged;
  return asked == 0 ? 0.0 : static_cast<double>(rate.count + rate.unjudged) / asked;
}

GateFigures gate_figures(const Stage& stage, WeightsId weights) {
  if (const auto known = stage.store.gate_figures(weights)) return *known;
  const Evaluation rates = measure(stage, weights, kGateSets);
  GateFigures figures{.negative = rates.heldout,
                      .benign = rates.benign,
                      .lookalike = rates.lookalike,
                      .unhelpful = both(rates.benign_unhelpful, rates.lookalike_unhelpful),
                      .perplexity = own_answers_perplexity(stage),
                      .tasks = {}};
  const GateConfig& config = stage.config.gate;
  for (const std::string& task : config.tasks) {
    const TaskOptions options{
        .data = config.task_data, .limit = static_cast<std::size_t>(config.task_limit), .should_stop = stage.should_stop};
    const std::optional<double> value = run_task(task, stage.scorer, options).measures[0].value;
    if (!value) throw Error(ErrorKind::data, "no item of this task counts", "gate.tasks: " + task, "give gate.task_data another file");
    figures.tasks[task] = *value;
  }
  stage.store.put_gate_figures(weights, figures);
  log_info("gate: negative {}, benign refused {}, look-alikes refused {}, unhelpful {}, perplexity of the base model's answers {}",
           counts_text(figures.negative), counts_text(figures.benign), counts_text(figures.lookalike), counts_text(figures.unhelpful),
           figures.perplexity ? fmt::format("{:.3f}", *figures.perplexity) : "not measured");
  return figures;
}

std::vector<std::string> gate_faults(const GateConfig& config, const GateFigures& candidate, const GateFigures& before,
                                     const GateFigures& base) {
  std::vector<std::string> faults;
  check_rise("negative", candidate.negative, before.negative, "weights before", config.max_negative_rise, faults);
  check_rise("benign refused", candidate.benign, base.benign, "base model", config.max_benign_rise, faults);
  check_rise("look-alikes refused", candidate.lookalike, base.lookalike, "base model", config.max_lookalike_rise, faults);
  check_rise("unhelpful", candidate.unhelpful, base.unhelpful, "base model", config.max_unhelpful_rise, faults);
  if (candidate.perplexity && base.perplexity)
    check_perplexity("perplexity of the base model's own answers", *candidate.perplexity, *base.perplexity, config, faults);
  for (const auto& [task, score] : candidate.tasks) {
    const auto reference = base.tasks.find(task);
    if (reference == base.tasks.end()) continue;
    if (less_is_better(task))
      check_perplexity(task, score, reference->second, config, faults);
    else if (!(score >= reference->second - config.max_task_drop))
      faults.push_back(fmt::format("{} {:.4f} against the base model's {:.4f}: down by more than {:.4f}", task, score, reference->second,
                                   config.max_task_drop));
  }
  return faults;
}

}  // namespace iteralign
