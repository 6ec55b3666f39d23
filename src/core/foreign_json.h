#pragma once
// JSON that a server or a model wrote.

#include <string_view>

#include "core/json.h"

namespace iteralign {

// Malformed UTF-8 and lone halves of surrogate pairs (text that was cut) become U+FFFD. Discarded (is_discarded()) when it is no JSON, or
// is nested hundreds of times.
Json parse_foreign_json(std::string_view text);

}  // namespace iteralign
