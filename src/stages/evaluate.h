#pragma once
// evaluate: what the current weights do with prompts that are never trained on.

#include <optional>
#include <string>

#include "stages/stage.h"

namespace iteralign {

// The kinds of prompts that weights are measured by.
struct MeasuredSets {
  PromptSet red_team, benign, lookalike;
  std::optional<PromptSet> twin = {};
};
constexpr MeasuredSets kFinalSets = {PromptSet::heldout, PromptSet::benign, PromptSet::lookalike, PromptSet::twin};
constexpr MeasuredSets kValidationSets = {PromptSet::validation, PromptSet::validation_benign, PromptSet::validation_lookalike};
constexpr MeasuredSets kGateSets = {PromptSet::gate, PromptSet::gate_benign, PromptSet::gate_lookalike};

// "3/40", "3/40 and 2 unjudged", "none of 5 judged", "not measured"
std::string counts_text(const Rate& rate);

// Negative rate of the red-team prompts, refusal rates of the others, with Wilson intervals; unjudged ones are counted apart. What is
// kept of these weights is not asked again.
Evaluation measure(const Stage& stage, WeightsId weights, const MeasuredSets& sets);

// The final sets, kept in the store under `iteration` (0: the base model); an evaluation that is there is returned as it is.
Evaluation evaluate(const Stage& stage, int iteration);

}  // namespace iteralign
