#pragma once
// Which forms of a request a server accepts. No document says it, so the server is asked; what it refuses is left out, or sent in another
// form, from then on. Each field is a ladder that only goes down: whichever of several threads finds a step, all end at the same one. Pure.

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

// For every field the lower step of the two.
inline Dialect lower_of(const Dialect& a, const Dialect& b) {
  return {std::max(a.schema, b.schema), std::max(a.temperature, b.temperature), std::max(a.length, b.length), std::max(a.system, b.system),
          a.without_seed || b.without_seed};
}

struct Refusal {
  Dialect next;          // without what was refused
  bool for_good = true;  // false: this reply alone could not be given in that form
  std::string field;     // what was refused, for the log
};

// The one of the sent fields that the server refuses, or nothing. Fields have their names in the body; "system" stands for the role.
std::optional<Refusal> refusal_of(int status, const ServerError& error, const std::set<std::string>& sent, const Dialect& dialect);

// "max_tokens is too large: 9000": the number of the length limit is refused, not its name.
bool refuses_length(const ServerError& error);

// True when `field` itself is refused, and not just a word like it: it is named by param or loc, or is the object of a refusal in the
// message.
bool refuses_field(const ServerError& error, const std::string& field);

}  // namespace iteralign
