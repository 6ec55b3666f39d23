#pragma once
// trainer_state.json: what a training did, step by step, in the form of Hugging Face's Trainer.

#include <string>
#include <vector>

#include "iteralign/base_model.h"

namespace iteralign {

std::string trainer_state(const std::vector<TrainStep>& steps, const FinetuneOptions& options);

}  // namespace iteralign
