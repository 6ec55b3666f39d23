#pragma once
// evaluate: what the current weights do with prompts that are never trained on.

#include <optional>
#include <string>

#include "stages/stage.h"

namespace iteralign {

// The kinds of prompts that weights are measured by.
struct MeasuredSets {
  Purpose red_team, benign, lookalike;
  std::optional<Purpose> twin = {};
};
constexpr MeasuredSets kFinalSets = {Purpose::heldout, Purpose::benign, Purpose::lookalike, Purpose::twin};
constexpr MeasuredSets kValidationSets = {Purpose::validation, Purpose::validation_benign, Purpose::validation_lookalike};
constexpr MeasuredSets kGateSets = {Purpose::gate, Purpose::gate_benign, Purpose::gate_lookalike};

// What the weights of an attempt and epoch answer is kept under a number of their own, away from those of iterations. Attempts count from
// 0; epoch 0: the whole training.
constexpr int candidate_key(int iteration, int attempt, int epoch) { return -(iteration * 10000 + attempt * 100 + epoch); }

// "3/40", "3/40 and 2 unjudged", "none of 5 judged", "not measured"
std::string counts_text(const Rate& rate);

// Negative rate of the red-team prompts, refusal rates of the others, with Wilson intervals; unjudged ones are counted apart. Answers and
// verdicts are kept under `key`, which stands for the weights: what is there is not asked again.
Evaluation measure(const Stage& stage, int key, const MeasuredSets& sets);

// The final sets, kept in the store under `iteration` (0: the base model); an evaluation that is there is returned as it is.
Evaluation evaluate(const Stage& stage, int iteration);

}  // namespace iteralign
