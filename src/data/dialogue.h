#pragma once
// Dialogues in the forms that data sets use, as messages.

#include <optional>
#include <string>
#include <string_view>

#include "core/json.h"
#include "iteralign/records.h"

namespace iteralign {

// "\n\nHuman: ...\n\nAssistant: ..." of hh-rlhf and red_team_attempts. Turns of one speaker in a row become one; empty turns vanish.
Messages parse_human_assistant(std::string_view transcript);
bool is_human_assistant(std::string_view text);

// [{"role","content"}, ...] or ShareGPT's [{"from","value"}, ...]; nothing when `value` is neither.
// Roles human and gpt become user and assistant; an assistant's turn before the first user's is dropped.
std::optional<Messages> parse_messages(const Json& value);

// The other way round: [{"role","content"}, ...].
Json messages_json(const Messages& messages);

// Everything up to the last user turn; empty when there is none.
Messages up_to_last_user(Messages messages);

}  // namespace iteralign
