#pragma once
// What a server takes of a request. Nobody can look it up, so it is asked, and what it refuses is left out or said in another way from
// then on. Each field is a ladder that is only climbed down: whoever of many threads finds a step out, all come to the same end. Pure.

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "protocol/server_error.h"

namespace iteralign {

enum class SchemaSupport { json_schema, json_object, none };
enum class TemperatureSupport { as_asked, above_zero, none };
enum class LengthField { configured, other, none };  // of max_tokens and max_completion_tokens
enum class SystemRole { system, developer, user };   // user: said at the front of the user's turn

struct Dialect {
  SchemaSupport schema = SchemaSupport::json_schema;
  TemperatureSupport temperature = TemperatureSupport::as_asked;
  LengthField length = LengthField::configured;
  SystemRole system = SystemRole::system;
  bool without_seed = false;

  bool operator==(const Dialect&) const = default;
};

// The lower step of both in every field.
inline Dialect lower_of(const Dialect& a, const Dialect& b) {
  return {std::max(a.schema, b.schema), std::max(a.temperature, b.temperature), std::max(a.length, b.length), std::max(a.system, b.system),
          a.without_seed || b.without_seed};
}

struct Refusal {
  Dialect next;          // without what was refused
  bool for_good = true;  // false: this reply alone could not be given in that form
  std::string field;     // what was refused, for the log
};

// What of the fields that were sent (by the names that they have in the body; "system" for the role) the server refuses, or nothing.
std::optional<Refusal> refusal_of(int status, const ServerError& error, const std::set<std::string>& sent, const Dialect& dialect);

// "max_tokens is too large: 9000": the number of the length limit is refused, not its name.
bool refuses_length(const ServerError& error);

// Is it `field` that is refused, and not only a word of that sound: by param or loc, or as the object of a refusal in the message.
bool refuses_field(const ServerError& error, const std::string& field);

}  // namespace iteralign
