#pragma once
// The `trained` oracle, for real English: a small judge that was trained on people's labels (tools/train_judge.py), beside the phrases of
// refusal, the principles and the twins of `keyword`. It sees whether an answer does what was asked, not whether that harms.
//   verdict     negative when the response does what the prompt asks for, with the probability of it; else it refuses or is off the topic
//   refusal     whether the response refuses; one that neither refuses nor does what was asked is off the topic

#include <string>

#include "iteralign/records.h"

namespace iteralign {

// A ChatHandler.
std::string trained_answer(const Messages& messages, const std::string& schema_name);

}  // namespace iteralign
