#pragma once
// finetune: the behaviour moves from the context into the weights.

#include "stages/stage.h"

namespace iteralign {

// The base model's own answers to as many replay prompts as the iterations can draw on, judged. The base model must be loaded.
void answer_replay(const Stage& stage);

// This iteration's training set: the kept revisions, without constitution and scaffold, and the share of replay. Puts it into the
// store; does nothing when it is there.
void make_pairs(const Stage& stage, int iteration);

// Trains the current weights on this iteration's pairs. A training that was killed goes on from its last state in `state_folder`
// (finetune.save_steps). Nothing is trained on when there are no revisions or the method is "none".
TrainSummary finetune(const Stage& stage, int iteration, const std::string& state_folder);

}  // namespace iteralign
