#pragma once
// respond: the base model answers, and each answer goes to the judge as soon as it is finished.

#include <optional>
#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

// Answers the prompts that have no response of this iteration and purpose, and judges those that have no verdict.
// Without a question nothing is judged. Responses and verdicts are in the store when this returns.
void respond(const Stage& stage, int iteration, Purpose purpose, const std::vector<Prompt>& prompts, const Sampling& sampling,
             std::optional<Question> question);

}  // namespace iteralign
