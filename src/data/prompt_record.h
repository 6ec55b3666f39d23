#pragma once
// One record of a prompt file, whatever format it came from: which of its fields is the prompt.

#include <string>
#include <string_view>

#include "core/json.h"
#include "iteralign/records.h"

namespace iteralign {

struct PromptRecord {
  Messages messages;     // end with a user turn
  std::string category;  // may be empty
  bool unsafe = false;   // the record says so: XSTest's label `unsafe` and types `contrast_*`
};

// The prompt of a record. A dialogue counts before a text: messages, conversations, prompt, input, turns, ..., a transcript of hh-rlhf or
// red_team_attempts, each up to its last user turn. Of texts the first of prompt, goal, behavior, question, instruction (with its input),
// ...; what is asked for (target, completion, answer) never. `row`, `vars` and `body` are opened.
// Throws Error data at `where` for a record without a prompt (its keys are named) and for prompts that are no text.
PromptRecord read_prompt_record(const Json& record, const std::string& where);

// Whether a field or column of that name holds prompts; upper case, spaces and hyphens make no difference.
bool names_prompt(std::string_view field);
// Whether an object has such a field with something in it.
bool holds_prompt(const Json& object);
// The category of a record, "" without one.
std::string category_of(const Json& record);

// The names of the fields that hold prompts, for messages and the documentation.
std::string prompt_field_names();

}  // namespace iteralign
