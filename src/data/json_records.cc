#include "data/json_records.h"

#include <algorithm>
#include <utility>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

Json parse_quietly(std::string_view text) { return Json::parse(text, nullptr, false); }

std::vector<JsonRecord> read_lines(const std::vector<std::string_view>& lines, const std::string& path) {
  std::vector<JsonRecord> records;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    const std::string where = path + ":" + std::to_string(i + 1);
    Json value = parse_quietly(lines[i]);
    if (value.is_discarded()) throw Error(ErrorKind::data, "this line is not valid JSON", where, "correct or remove the line");
    records.push_back({where, std::move(value)});
  }
  return records;
}

}  // namespace

std::string_view without_bom(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

std::optional<std::vector<JsonRecord>> read_json_records(std::string_view text, const std::string& path) {
  text = without_bom(text);
  const auto start = trim(text).substr(0, 1);
  if (start != "{" && start != "[" && start != "\"") return std::nullopt;

  Json whole = parse_quietly(text);
  if (whole.is_array()) {
    std::vector<JsonRecord> records;
    for (auto& value : whole) records.push_back({path + ": record " + std::to_string(records.size() + 1), std::move(value)});
    return records;
  }
  if (!whole.is_discarded()) return std::vector<JsonRecord>{{path + ":1", std::move(whole)}};

  // JSON Lines when a line among the first ones is a record of its own, so that a broken one is named by its line.
  const auto lines = split_lines(text);
  const auto is_record = [&](std::string_view line) {
    const Json value = parse_quietly(line);
    return start == "\"" ? value.is_string() : value.is_object();
  };
  const auto first = lines.begin() + std::min<std::ptrdiff_t>(3, static_cast<std::ptrdiff_t>(lines.size()));
  if (start != "[" && std::any_of(lines.begin(), first, is_record)) return read_lines(lines, path);
  if (start == "\"") return std::nullopt;  // CSV or plain text that begins with a quote
  parse_json(text, path);                  // throws with the line of the fault
  return std::nullopt;
}

}  // namespace iteralign
