#pragma once
// trainer_state.json: what a training did, step by step, in the form of Hugging Face's Trainer.

#include <string>
#include <vector>

#include "core/json.h"
#include "iteralign/learner.h"

namespace iteralign {

// One step as log_history has it.
Json to_json(const TrainStep& step);

std::string trainer_state(const std::vector<TrainStep>& steps, const FinetuneOptions& options);
// Its steps. Error data names the file `where` it is from when they cannot be read.
std::vector<TrainStep> parse_trainer_state(const Json& state, const std::string& where);

}  // namespace iteralign
