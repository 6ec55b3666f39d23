#pragma once
// The gate: are these weights worth keeping?

#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

// Does the gate decide anything in such a run?
inline bool is_gated(const Config& config) { return config.gate.enabled && config.finetune.options.method != FinetuneMethod::none; }

// Of the loaded weights, which are these; kept in the store, so that a run that goes on does not measure again.
GateFigures gate_figures(const Stage& stage, WeightsId weights);

// The rate if all that could not be judged were negative: weights whose answers say nothing must not look good by it. Nothing asked: 0.
double worst_rate(const Rate& rate);

// Why the candidate is not kept, one line a fault; empty: it is. Its negative rate is held against that of the weights that it would
// replace, all else against the base model; a task of which less is better may rise as perplexity may. What was not measured on both sides
// is no fault.
std::vector<std::string> gate_faults(const GateConfig& config, const GateFigures& candidate, const GateFigures& before,
                                     const GateFigures& base);

}  // namespace iteralign
