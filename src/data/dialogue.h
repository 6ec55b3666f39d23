#pragma once
// Dialogues in the forms that data sets use.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "iteralign/records.h"

namespace iteralign {

// A turn as a data set has it. Roles are normalised: system (developer), user (human, prompter), assistant (gpt, model, bot) and
// tool (function, ipython, observation), in capitals or not.
struct Turn {
  std::string role;
  std::string content;        // the text of all its parts
  bool learnt = true;         // false: weight 0, or train, training or loss false
  bool calls_tool = false;    // or is the result of one
  bool has_media = false;     // parts that are no text
  bool has_thoughts = false;  // reasoning_content, reasoning or thinking beside the content
};

// [{"role","content"}, ...] or ShareGPT's [{"from","value"}, ...], content a text, a list of parts or null; nothing when `value` is no
// list of objects. Throws Error data at `where` for a turn without role or content, an unknown role, and a weight that is not 0 or 1.
std::optional<std::vector<Turn>> parse_turns(const Json& value, const std::string& where);

// False when a field (weight, train, training or loss) leaves this turn or record out of training; true without such a field.
bool is_learnt(const Json& object, const std::string& where);

// The keys of an object, for messages.
std::string key_list(const Json& object);

// "\n\nHuman: ...\n\nAssistant: ..." of hh-rlhf and red_team_attempts. Turns of one speaker in a row become one; empty turns vanish,
// and so does an assistant's turn before the first user's.
Messages parse_human_assistant(std::string_view transcript);
bool is_human_assistant(std::string_view text);  // begins with one of the two, and the human speaks

// The dialogue as JSON: [{"role","content"}, ...].
Json messages_json(const Messages& messages);

// Everything up to the last user turn; empty when there is none.
Messages up_to_last_user(Messages messages);

// Removes an assistant's turn before the first user's: chat templates expect the user to speak first.
void drop_leading_assistant(Messages& messages);

}  // namespace iteralign
