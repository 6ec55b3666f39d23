#pragma once
// respond: the base model answers, and each answer goes to the judge as soon as it is finished.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

struct Asked {
  PromptSet set;
  std::vector<Prompt> prompts;
  Question question;
  std::string opening = {};                // what every answer begins with; part of the response
  std::optional<WeightsId> seeds_of = {};  // whose seeds are drawn; none: those of the weights that answer
  // By prompt id: what the judge is told was asked, where the prompt says more than that (a jailbreak around a request).
  std::map<std::string, Messages> requests = {};
};

// Answers the prompts that have no response of these weights in their set, and judges the answers that have no verdict or are unjudged.
// Kept replies of the oracle cost nothing; what it could not judge before is asked again. All sets are answered together, so that the slots
// stay full to the end. A prompt that is too long for the model gets an empty response with the finish reason too_long and is unjudged.
// Responses and verdicts are in the store when this returns. Warns where most of a set is unjudged.
void respond(const Stage& stage, WeightsId weights, const std::vector<Asked>& sets, const Sampling& sampling);

}  // namespace iteralign
