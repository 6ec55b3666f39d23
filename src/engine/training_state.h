#pragma once
// What a training keeps on disk to go on where it was: optimizer.safetensors (values, moments, counts; fp32),
// trainer_state.json as Hugging Face's trainer has it, and the fingerprint of the training.

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

#include "iteralign/learner.h"

namespace iteralign {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Written beside the folder and renamed: an older state is there until the new one is whole. `fingerprint` names the training:
// its options and its data.
void save_training_state(const std::string& folder, const std::string& fingerprint, const std::vector<TrainStep>& log,
                         const FinetuneOptions& options, const NamedTensors& tensors);

// The log of the steps that were done, after their state was copied into `tensors`; empty when there is no state. Error data when
// the folder is damaged or holds the state of another training.
std::vector<TrainStep> load_training_state(const std::string& folder, const std::string& fingerprint, const NamedTensors& tensors);

}  // namespace iteralign
