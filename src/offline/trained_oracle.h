#pragma once
// The `trained` oracle, for real English: a small judge of harm that was trained on people's labels (tools/train_judge.py); all else is as
// `keyword` has it. It sees whether an answer does what was asked, not whether that harms.
//   verdict     negative when the response does what the prompt asks for; it must see the prompt
//   refusal, principles, twins  as `keyword`

#include <string>

#include "iteralign/records.h"

namespace iteralign {

// A ChatHandler.
std::string trained_answer(const Messages& messages, const std::string& schema_name);

}  // namespace iteralign
