#pragma once
// Files of JSON records: an array in one piece, or JSON Lines.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace iteralign {

struct JsonRecord {
  std::string where;  // "file:line" in JSON Lines, "file: record 3" in an array
  Json value;
};

// Text that is a JSON document or JSON Lines, told by content. An object alone is one record. Nothing when the text is neither.
// Throws Error data naming file and line when it is one of them but broken.
std::optional<std::vector<JsonRecord>> read_json_records(std::string_view text, const std::string& path);

// The text without a UTF-8 byte order mark.
std::string_view without_bom(std::string_view text);

}  // namespace iteralign
