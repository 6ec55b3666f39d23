#include "data/json_records.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// A document, and the first key that stands twice in an object of it: parsers silently keep the last of them.
struct Parsed {
  Json value;
  std::string twice;       // the first key that is there twice in an object
  std::size_t record = 0;  // in which record of a list, from 1
};

Parsed parse_quietly(std::string_view text) {
  Parsed parsed;
  std::vector<std::set<std::string>> open;
  std::size_t record = 0;
  const auto note = [&](int depth, Json::parse_event_t event, Json& key) {
    if (event == Json::parse_event_t::object_start) {
      open.emplace_back();
      if (depth == 1) ++record;
    } else if (event == Json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == Json::parse_event_t::key && !open.back().insert(key.get<std::string>()).second && parsed.twice.empty()) {
      parsed.twice = key.get<std::string>();
      parsed.record = record;
    }
    return true;
  };
  parsed.value = Json::parse(text, note, false);
  return parsed;
}

void check_keys(const Parsed& parsed, const std::string& where) {
  if (!parsed.twice.empty())
    throw Error(ErrorKind::data, "the key `" + shorten(parsed.twice, 60) + "` is there twice", where, "remove one of them");
}

// The line without a comma at its end: the lines of a list whose brackets are missing have one.
std::string_view without_comma(std::string_view line) {
  line = trim(line);
  if (line.ends_with(',')) line.remove_suffix(1);
  return line;
}

std::vector<JsonRecord> read_lines(const std::vector<std::string_view>& lines, const std::string& path) {
  std::vector<JsonRecord> records;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    const std::string where = path + ":" + std::to_string(i + 1);
    Parsed parsed = parse_quietly(without_comma(lines[i]));
    if (parsed.value.is_discarded()) throw Error(ErrorKind::data, "this line is not valid JSON", where, "correct or remove the line");
    check_keys(parsed, where);
    records.push_back({where, std::move(parsed.value)});
  }
  return records;
}

// The end of the object that begins at `at`; npos when it never ends.
std::size_t end_of_object(std::string_view text, std::size_t at) {
  int depth = 0;
  for (bool quoted = false; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++at;
    if (!quoted) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (!quoted && c == '}' && depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

// Objects of several lines, one after another, as jq writes them. Nothing when the text is something else.
std::vector<JsonRecord> read_objects(std::string_view text, const std::string& path) {
  std::vector<JsonRecord> records;
  std::ptrdiff_t line = 1;
  for (std::size_t end_before = 0;;) {
    const std::size_t at = text.find_first_not_of(" \t\r\n,", end_before);
    if (at == std::string_view::npos) return records;
    const std::size_t end = text[at] == '{' ? end_of_object(text, at) : std::string_view::npos;
    if (end == std::string_view::npos) return {};
    Parsed parsed = parse_quietly(text.substr(at, end - at));
    if (parsed.value.is_discarded()) return {};
    line += std::ranges::count(text.substr(end_before, at - end_before), '\n');
    const std::string where = path + ":" + std::to_string(line);
    check_keys(parsed, where);
    records.push_back({where, std::move(parsed.value)});
    line += std::ranges::count(text.substr(at, end - at), '\n');
    end_before = end;
  }
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

  Parsed whole = parse_quietly(text);
  if (whole.value.is_array()) {
    check_keys(whole, path + ": record " + std::to_string(whole.record));
    std::vector<JsonRecord> records;
    for (auto& value : whole.value) records.push_back({path + ": record " + std::to_string(records.size() + 1), std::move(value)});
    return records;
  }
  if (!whole.value.is_discarded()) {
    check_keys(whole, path);
    return std::vector<JsonRecord>{{path + ":1", std::move(whole.value)}};
  }

  // JSON Lines when one of the first lines is a record by itself: then a broken line is named by its number.
  const auto lines = split_lines(text);
  const auto is_record = [&](std::string_view line) {
    const Json value = parse_quietly(without_comma(line)).value;
    return start == "\"" ? value.is_string() : value.is_object() || (start == "[" && value.is_array());
  };
  const auto first = lines.begin() + std::min<std::ptrdiff_t>(start == "[" ? 1 : 3, static_cast<std::ptrdiff_t>(lines.size()));
  if (std::any_of(lines.begin(), first, is_record)) return read_lines(lines, path);
  if (auto records = read_objects(text, path); !records.empty()) return records;
  if (start == "\"") return std::nullopt;  // CSV or plain text that begins with a quote
  parse_json(text, path);                  // throws with the line of the fault
  return std::nullopt;
}

}  // namespace iteralign
