#include "core/json.h"

#include <algorithm>

#include "core/files.h"
#include "iteralign/error.h"

namespace iteralign {

Json parse_json(std::string_view text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const auto end = std::min<std::size_t>(error.byte, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    throw Error(ErrorKind::data, "not valid JSON at byte " + std::to_string(error.byte), where + ":" + std::to_string(line),
                "correct or remove that place");
  }
}

Json read_json(const std::string& path) { return parse_json(read_file(path), path); }

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string dump_json_pretty(const Json& value, int indent) { return value.dump(indent, ' ', false, Json::error_handler_t::replace); }

}  // namespace iteralign
