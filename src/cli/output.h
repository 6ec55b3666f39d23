#pragma once
// Standard output: results, and nothing else.

#include <string_view>

#include "core/json.h"

namespace iteralign {

// Shown as terminal_text() makes it: what a model or a server says is among it. Throws Error failed when stdout cannot take it (a full disk
// behind a redirection).
void print(std::string_view text);
void print_line(std::string_view line);
void print_json(const Json& value);  // one line

}  // namespace iteralign
