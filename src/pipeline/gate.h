#pragma once
// The gate: are these weights worth keeping?

#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

// Does the gate decide anything in such a run?
inline bool is_gated(const Config& config) { return config.gate.enabled && config.finetune.options.method != FinetuneMethod::none; }

// Figures of the loaded weights, kept in the store under their id so that a resumed run does not measure them again.
GateFigures gate_figures(const Stage& stage, WeightsId weights);

// The rate with all unjudged cases counted as negative: weights whose answers say nothing must not look good by it. 0 where nothing was
// asked.
double worst_rate(const Rate& rate);

// Why the candidate is not kept, one line a fault; empty: it is kept. Its negative rate is compared with that of the weights that it would
// replace, everything else with the base model. A task for which less is better may rise as much as perplexity may. A figure that is
// missing on one side is no fault.
std::vector<std::string> gate_faults(const GateConfig& config, const GateFigures& candidate, const GateFigures& before,
                                     const GateFigures& base);

}  // namespace iteralign
