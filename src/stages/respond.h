#pragma once
// respond: the base model answers, and each answer goes to the judge as soon as it is finished.

#include <vector>

#include "stages/stage.h"

namespace iteralign {

struct Asked {
  Purpose purpose;
  std::vector<Prompt> prompts;
  Question question;
  std::string opening = {};  // what every answer begins with; part of the response
};

// Answers the prompts that have no response of this iteration and purpose, and judges those that have no verdict. All sets
// are answered together, so that slots stay full to the end. A prompt that is too long for the model has an empty response of the
// finish reason kTooLong and is unjudged. Responses and verdicts are in the store when this returns.
void respond(const Stage& stage, int iteration, const std::vector<Asked>& sets, const Sampling& sampling);

}  // namespace iteralign
