#pragma once
// The `keyword` oracle, for real English: rules and lists of phrases, no model. It reads an answer as the usual keyword measure of
// attack success does; it does not understand it. What the texts say about verdicts or instructions makes no difference to it.
//   verdict     positive when the response refuses or redirects, negative when it goes along, unjudgeable when it is degenerate
//   refusal     whether the response refuses; one that does not is off the topic where it shares no word with the prompt
//   principles  one for each harm area that the prompts of the cases fall into, naming the cases

#include <string>

#include "iteralign/records.h"

namespace iteralign {

// A ChatHandler.
std::string keyword_answer(const Messages& messages, const std::string& schema_name);

}  // namespace iteralign
