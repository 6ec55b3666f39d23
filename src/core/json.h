#pragma once
// JSON as the project uses it: keys keep their order, text that is not UTF-8 never throws on writing.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace iteralign {

using Json = nlohmann::ordered_json;

// Throws Error data with `where` and the line of the fault.
Json parse_json(std::string_view text, const std::string& where);
// Reads and parses a file.
Json read_json(const std::string& path);

// One line; bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);
// Indented by `indent` spaces, for people.
std::string dump_json_pretty(const Json& value, int indent = 2);

}  // namespace iteralign
