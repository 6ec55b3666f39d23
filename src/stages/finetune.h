#pragma once
// finetune: the behaviour moves from the context into the weights.

#include "model/finetune.h"
#include "stages/stage.h"

namespace iteralign {

// One training of an iteration: the first, or a milder one after the gate refused what came of it.
struct TrainingAttempt {
  int iteration = 1, attempt = 1;
  FinetuneConfig config;
  TrainingFolders folders;
};

// Makes the training set of an attempt: the kept revisions, without constitution and scaffold, and their shares of replay and twins. Keeps
// it as the iteration's set; does nothing when this attempt has one.
void make_pairs(const Stage& stage, const TrainingAttempt& training);

// Trains the current weights on the iteration's pairs. Nothing is trained on when there are no revisions or the method is "none".
TrainSummary finetune(const Stage& stage, const TrainingAttempt& training);

}  // namespace iteralign
