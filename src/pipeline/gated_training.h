#pragma once
// Fine-tuning with a choice: the best epoch of a training is a candidate, the gate accepts it or asks for a milder training.

#include <string>

#include "pipeline/weights.h"
#include "stages/stage.h"

namespace iteralign {

struct GatedTraining {
  TrainSummary train;  // of the last attempt
  TrainingOutcome outcome;
};

// Trains on this iteration's pairs and leaves the weights loaded that the iteration ends with: the accepted ones, or those from before.
// Goes on where a killed process was.
GatedTraining train_through_gate(const Stage& stage, Weights& weights, int iteration);

// Is there nothing left to gain for the weights that `iteration` ended with? No response of it was negative, and none of the gate's is.
bool nothing_left_to_gain(const Stage& stage, const IterationSummary& iteration);

}  // namespace iteralign
