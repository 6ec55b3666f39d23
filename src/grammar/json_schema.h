#pragma once
// The JSON texts that follow a schema, as an automaton over bytes.
// Of JSON Schema (draft 2020-12) what OpenAI's strict subset is used for here: object (properties, all of them required, and no others),
// array (items), string, string with enum, integer.
// Texts are written as json.dumps writes them: on one line, members in the order of the schema, no space or one behind a colon or a comma.
// Strings are valid UTF-8 with the escapes \" \\ \/ \b \f \n \r \t; integers have up to 15 digits.

#include <string_view>

#include "grammar/automaton.h"

namespace iteralign {

// Error usage names the keyword or the type that is not understood, and where it stands; Error data for what is no JSON.
Automaton json_schema_automaton(std::string_view schema);

}  // namespace iteralign
