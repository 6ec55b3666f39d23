#pragma once
// Fine-tuning, from the examples to the trained weights: a plan, its steps, and what is kept on the way.

#include <functional>
#include <string>
#include <vector>

#include "iteralign/learner.h"

namespace iteralign {

// What a training keeps on disk; empty: nothing.
struct TrainingFolders {
  // Its state, every FinetuneOptions::save_steps steps. Where one is there the training goes on from it: the result is bit for bit that of
  // an undisturbed training.
  std::string state = {};
  // What is trained after each epoch: <epochs>/1, 2, ...
  std::string epochs = {};
};

using OnStep = std::function<void(const TrainStep&)>;

// Trains the learner's current weights. Steps that were done before a restart are reported again. `should_stop` is asked between steps:
// Error interrupted. When interrupted or failed, the weights are those from before.
TrainSummary finetune(Learner& learner, const std::vector<TrainExample>& examples, const FinetuneOptions& options,
                      const TrainingFolders& folders = {}, const OnStep& on_step = {}, const std::function<bool()>& should_stop = {});

}  // namespace iteralign
