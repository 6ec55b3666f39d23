#pragma once
// Reading the oracle's replies: strict first, then tolerant of what models put around their JSON.

#include <optional>
#include <string_view>

#include "core/json.h"

namespace iteralign {

// The JSON object that the reply is or holds: the whole text; else, after thinking blocks (<think>...</think>) and Markdown fences
// are taken away, its balanced {...} parts. Nothing when there is none, or when several differ: a reply that says two things says nothing.
std::optional<Json> reply_object(std::string_view reply);

}  // namespace iteralign
