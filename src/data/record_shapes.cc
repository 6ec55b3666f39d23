#include "data/record_shapes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/strings.h"
#include "data/prompt_record.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::array kListNames = {"data",     "prompts",    "rows",      "examples",     "items",     "records",
                                   "entries",  "seeds",      "behaviors", "questions",    "samples",   "instances",
                                   "payloads", "test_cases", "tests",     "instructions", "jailbreaks"};

std::string record_name(const std::string& path, std::size_t number) { return path + ": record " + std::to_string(number); }

bool all_digits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

// A column: a list of single values or dialogues, or pandas' object of them by row number. Nothing when it is none.
std::optional<std::vector<Json>> column_of(const Json& value) {
  std::vector<Json> cells;
  if (value.is_array()) {
    for (const Json& cell : value) cells.push_back(cell);
  } else if (value.is_object()) {
    for (const auto& [key, cell] : value.items()) {
      if (!all_digits(key)) return std::nullopt;
      cells.push_back(cell);
    }
  }
  const bool single = std::none_of(cells.begin(), cells.end(), [](const Json& cell) { return cell.is_object(); });
  return cells.empty() || !single ? std::nullopt : std::optional(std::move(cells));
}

std::vector<ShapedRecord> rows_of(const std::vector<std::pair<std::string, std::vector<Json>>>& columns, const std::string& path) {
  std::vector<ShapedRecord> records;
  for (std::size_t row = 0; row < columns.front().second.size(); ++row) {
    Json record = Json::object();
    for (const auto& [name, cells] : columns) record[name] = cells[row];
    records.push_back({record_name(path, row + 1), std::move(record), {}});
  }
  return records;
}

// Fields beside a list that apply to all its records, as in PyRIT's data sets.
constexpr std::array kAbout = {"harm_categories", "authors", "groups", "parameters"};

// Columns by their names, one of them of prompts, where no field of the object itself is a prompt.
std::optional<std::vector<ShapedRecord>> column_records(const Json& object, const std::string& path) {
  std::vector<std::pair<std::string, std::vector<Json>>> columns;
  bool has_prompts = false;
  for (const auto& [name, value] : object.items()) {
    if (names_prompt(name) && value.is_string() && !trim(value.get_ref<const std::string&>()).empty()) return std::nullopt;
    if (std::find(kAbout.begin(), kAbout.end(), name) != kAbout.end()) continue;
    auto cells = column_of(value);
    if (!cells) continue;
    has_prompts = has_prompts || names_prompt(name);
    columns.emplace_back(name, std::move(*cells));
  }
  if (!has_prompts) return std::nullopt;
  for (const auto& [name, cells] : columns)
    if (cells.size() != columns.front().second.size())
      throw Error(ErrorKind::data,
                  "the columns `" + columns.front().first + "` and `" + name + "` have " + std::to_string(columns.front().second.size()) +
                      " and " + std::to_string(cells.size()) + " values",
                  path, "columns are lists of the same length; a list of prompts alone is best given as a JSON array");
  return rows_of(columns, path);
}

std::vector<ShapedRecord> with_category(std::vector<ShapedRecord> records, const Json& object) {
  Json about = Json::object();
  for (const char* name : {"harm_categories", "category"})
    if (object.contains(name)) about[name] = object[name];
  for (ShapedRecord& record : records)
    if (!record.value.is_object() || category_of(record.value).empty()) record.category = category_of(about);
  return records;
}

// {"columns": ["prompt", ...], "data": [["...", ...], ...]}
std::optional<std::vector<ShapedRecord>> split_records(const Json& object, const std::string& path) {
  const auto names = object.find("columns"), data = object.find("data");
  if (names == object.end() || data == object.end() || !names->is_array() || !data->is_array() || names->empty()) return std::nullopt;
  std::vector<std::pair<std::string, std::vector<Json>>> columns;
  for (const Json& name : *names) columns.emplace_back(name.is_string() ? name.get<std::string>() : name.dump(), std::vector<Json>());
  for (const Json& row : *data) {
    if (!row.is_array() || row.size() != columns.size()) return std::nullopt;
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].second.push_back(row[i]);
  }
  return rows_of(columns, path);
}

std::optional<std::vector<ShapedRecord>> named_list(const Json& object, const std::string& path) {
  std::vector<std::string> found;
  for (const char* name : kListNames)
    if (const auto list = object.find(name); list != object.end() && list->is_array() && !list->empty()) found.emplace_back(name);
  if (found.empty()) return std::nullopt;
  if (found.size() > 1)
    throw Error(ErrorKind::data, "holds several lists: " + join(found, ", "), path, "leave only the list of the prompts in the file");
  std::vector<JsonRecord> list;
  for (const Json& item : object[found[0]]) list.push_back({record_name(path, list.size() + 1), item});
  return with_category(records_of_list(std::move(list), path), object);
}

bool is_topic_tree(const Json& value) {
  if (value.is_array())
    return std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string() || holds_prompt(item); });
  return value.is_object() && !value.empty() && (holds_prompt(value) || std::all_of(value.begin(), value.end(), is_topic_tree));
}

void add_topics(const Json& value, const std::string& category, const std::string& path, std::vector<ShapedRecord>& records) {
  if (value.is_array()) {
    for (const Json& item : value) records.push_back({path + ": " + category, item, category});
    return;
  }
  if (holds_prompt(value)) {
    records.push_back({path + ": " + category, value, category});
    return;
  }
  for (const auto& [name, below] : value.items()) {
    std::string_view topic = trim(name);
    if (topic.ends_with(":")) topic.remove_suffix(1);          // CatQA writes some subtopics so
    if (below.is_object() && holds_prompt(below)) topic = {};  // a record by its id
    const std::string inner = topic.empty() ? category : category.empty() ? std::string(topic) : category + "/" + std::string(topic);
    add_topics(below, inner, path, records);
  }
}

bool is_turn(const Json& value) { return value.is_object() && value.contains("role") && value.contains("content"); }
bool is_dialogue(const Json& value) { return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_turn); }

}  // namespace

std::vector<ShapedRecord> records_of_object(const Json& object, const std::string& path) {
  if (auto records = split_records(object, path)) return std::move(*records);
  if (auto records = column_records(object, path)) return with_category(std::move(*records), object);
  if (auto records = named_list(object, path)) return std::move(*records);
  std::vector<ShapedRecord> records;
  if (!holds_prompt(object) && is_topic_tree(object))
    add_topics(object, "", path, records);
  else
    records.push_back({path + ":1", object, {}});
  return records;
}

std::vector<ShapedRecord> records_of_list(std::vector<JsonRecord> list, const std::string& path) {
  const auto of_another = [](const JsonRecord& record) { return record.value["role"] != "user"; };
  const bool turns = !list.empty() && std::ranges::all_of(list, is_turn, &JsonRecord::value);
  std::vector<ShapedRecord> records;
  if (turns && std::ranges::any_of(list, of_another)) {
    Json messages = Json::array();
    for (JsonRecord& turn : list) messages.push_back(std::move(turn.value));
    records.push_back({record_name(path, 1), {{"messages", std::move(messages)}}, {}});
    return records;
  }
  for (JsonRecord& record : list) {
    if (is_dialogue(record.value)) record.value = Json{{"messages", std::move(record.value)}};
    records.push_back({std::move(record.where), std::move(record.value), {}});
  }
  return records;
}

}  // namespace iteralign
