#include "pipeline/gated_training.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "core/json.h"
#include "core/log.h"
#include "core/strings.h"
#include "pipeline/gate.h"
#include "stages/evaluate.h"
#include "statistics/tests.h"

namespace iteralign {
namespace {

std::string outcome_mark(int iteration) { return fmt::format("outcome/{}", iteration); }

std::string to_text(const TrainingOutcome& outcome) {
  return dump_json({{"accepted", outcome.accepted}, {"attempts", outcome.attempts}, {"epoch", outcome.epoch}, {"reason", outcome.reason}});
}

std::optional<TrainingOutcome> stored_outcome(const Stage& stage, int iteration) {
  const auto text = stage.store.meta(outcome_mark(iteration));
  if (!text) return std::nullopt;
  const Json json = parse_json(*text, "run.db, a training's outcome");
  return TrainingOutcome{
      .train = {}, .accepted = json["accepted"], .attempts = json["attempts"], .epoch = json["epoch"], .reason = json["reason"]};
}

FinetuneConfig milder(const Config& config, int attempt) {
  FinetuneConfig training = config.finetune;
  training.options.learning_rate *= std::pow(config.gate.learning_rate_factor, attempt);
  training.replay *= std::pow(config.gate.replay_factor, attempt);
  training.replay_lookalike *= std::pow(config.gate.replay_factor, attempt);
  return training;
}

// What weights did wrong on the validation prompts: harm, refusals of harmless prompts, and what cannot be judged, all alike.
std::set<std::string> validation_faults(const Stage& stage, int key) {
  std::set<std::string> faults;
  for (const Purpose purpose : {kValidationSets.red_team, kValidationSets.benign, kValidationSets.lookalike})
    for (const auto& [id, verdict] : stage.store.verdicts(key, purpose))
      if (verdict.label != Label::positive) faults.insert(fmt::format("{} {}", name(purpose), id));
  return faults;
}

// Whether the first has fewer faults beyond chance, prompt by prompt.
bool clearly_fewer(const std::set<std::string>& these, const std::set<std::string>& those) {
  constexpr double kChance = 0.1;
  Discordant changes;
  for (const auto& fault : those) changes.won += these.contains(fault) ? 0 : 1;
  for (const auto& fault : these) changes.lost += those.contains(fault) ? 0 : 1;
  return these.size() < those.size() && mcnemar_exact(changes) <= kChance;
}

// The last epoch, with which the rate has come down, unless one before it is clearly better; of several such the best.
int best_epoch(const Stage& stage, Weights& weights, int iteration, int attempt) {
  const std::vector<int> epochs = weights.epochs(iteration, attempt);
  if (epochs.size() == 1) return epochs[0];
  std::map<int, std::set<std::string>> faults;
  for (const int epoch : epochs) {
    weights.load_candidate(iteration, attempt, epoch);
    const int key = candidate_key(iteration, attempt, epoch);
    const Evaluation rates = measure(stage, key, kValidationSets);
    log_info("epoch {}: validation negative {}, benign refused {}, look-alikes refused {}", epoch, counts_text(rates.heldout),
             counts_text(rates.benign), counts_text(rates.lookalike));
    faults[epoch] = validation_faults(stage, key);
  }
  int best = epochs.back();
  for (const int epoch : epochs)
    if (faults[epoch].size() < faults[best].size() && clearly_fewer(faults[epoch], faults[epochs.back()])) best = epoch;
  return best;
}

// The figures of the weights that an iteration ended with.
GateFigures figures_after(const Stage& stage, int iteration) {
  for (int i = iteration; i >= 1; --i)
    if (const auto outcome = stored_outcome(stage, i); outcome && outcome->accepted && outcome->attempts > 0)
      return gate_figures(stage, candidate_key(i, outcome->attempts - 1, outcome->epoch));
  return gate_figures(stage, 0);
}

void settle(Weights& weights, int iteration, const TrainingOutcome& outcome) {
  if (outcome.accepted)
    weights.accept(iteration, outcome.attempts - 1, outcome.epoch);
  else
    weights.give_up(iteration);
  weights.restore(iteration);
}

}  // namespace

TrainingOutcome train_through_gate(const Stage& stage, Weights& weights, int iteration) {
  if (auto known = stored_outcome(stage, iteration)) {
    settle(weights, iteration, *known);
    known->train = weights.train(iteration, std::max(0, known->attempts - 1), stage.config.finetune);
    return *known;
  }
  const GateConfig& gate = stage.config.gate;
  TrainingOutcome outcome{.train = {}, .accepted = false, .attempts = 0};
  std::vector<std::string> reasons;
  while (!outcome.accepted && outcome.attempts <= (gate.enabled ? gate.retries : 0)) {
    const int attempt = outcome.attempts++;
    const FinetuneConfig config = milder(stage.config, attempt);
    weights.restore(iteration - 1);  // they say which replay is hard
    make_pairs(stage, {iteration, attempt, config, "", ""});
    outcome.train = weights.train(iteration, attempt, config);
    if (outcome.train.steps == 0) {  // the weights stay what they are
      outcome.accepted = true;
      outcome.attempts = 0;
      break;
    }
    outcome.epoch = best_epoch(stage, weights, iteration, attempt);
    if (!gate.enabled) {
      outcome.accepted = true;
      break;
    }
    weights.load_candidate(iteration, attempt, outcome.epoch);
    const GateFigures candidate = gate_figures(stage, candidate_key(iteration, attempt, outcome.epoch));
    const auto faults = gate_faults(gate, candidate, figures_after(stage, iteration - 1), gate_figures(stage, 0));
    outcome.accepted = faults.empty();
    if (!faults.empty()) {
      reasons.push_back(fmt::format("attempt {}: {}", outcome.attempts, join(faults, "; ")));
      log_info("the gate refuses iteration {}, {}", iteration, reasons.back());
    }
  }
  outcome.reason = join(reasons, "\n");
  stage.store.set_meta(outcome_mark(iteration), to_text(outcome));
  settle(weights, iteration, outcome);
  return outcome;
}

bool nothing_left_to_gain(const Stage& stage, const IterationSummary& iteration) {
  if (!is_gated(stage.config) || iteration.negative > 0 || iteration.unjudged > 0) return false;
  const Rate left = figures_after(stage, iteration.iteration).rates.heldout;
  return left.n > 0 && left.count == 0 && left.unjudged == 0;
}

}  // namespace iteralign
