#pragma once
// One iteration of the method.

#include <functional>

#include "pipeline/weights.h"
#include "stages/stage.h"

namespace iteralign {

// Respond, judge, propose, revise, finetune, evaluate. `on_stage` is called after each, when its records are in the store. What a killed
// process finished is not done again.
IterationSummary run_iteration(const Stage& stage, Weights& weights, int iteration, const std::function<void()>& on_stage);

}  // namespace iteralign
