#include "data/prompt_record.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/strings.h"
#include "data/dialogue.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Names of fields and columns as normal_name() gives them; the first one that is there counts.
constexpr std::array kTextFields = {"prompt",        "goal",
                                    "behavior",      "question",
                                    "instruction",   "prompts_final",
                                    "query",         "input",
                                    "request",       "forbidden_prompt",
                                    "sentence",      "text",
                                    "user_prompt",   "user_input",
                                    "prompt_text",   "adversarial_prompt",
                                    "attack_prompt", "harmful_prompt",
                                    "objective",     "value",
                                    "prompts",       "goals",
                                    "behaviors",     "questions",
                                    "instructions",  "queries",
                                    "inputs",        "requests",
                                    "objectives"};
constexpr std::array kDialogueFields = {"messages", "conversations", "conversation", "dialogue", "dialog",  "prompt",
                                        "input",    "turns",         "transcript",   "chosen",   "contents"};
constexpr std::array kCategoryFields = {"harm_area", "risk_area", "semanticcategory", "category",        "topic",       "type",
                                        "label",     "tags",      "harm_category",    "harm_categories", "harmcategory"};
// datasets' server, promptfoo, OpenAI's batches, LangSmith, Label Studio
constexpr std::array kWrappers = {"row", "vars", "body", "inputs", "data"};
constexpr const char* kHint = "fill in or remove the record, or name the field that holds the prompt `prompt`";

std::string normal_name(std::string_view name) {
  std::string normal = to_lower(trim(name));
  std::replace_if(
      normal.begin(), normal.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return normal;
}

// A value by the normal name of its field; null where there is none.
const Json* find_field(const Json& record, std::string_view name) {
  for (const auto& [key, value] : record.items())
    if (normal_name(key) == name) return &value;
  return nullptr;
}

// The text itself, the text in {"text": ...}, or the first one of a list.
std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("text") && value["text"].is_string()) return value["text"].get<std::string>();
  if (value.is_array() && !value.empty() && value.front().is_string()) return value.front().get<std::string>();
  return {};
}

std::string first_text(const Json& record, const std::vector<std::string_view>& names) {
  for (const std::string_view name : names)
    if (const Json* value = find_field(record, name))
      if (std::string text = text_of(*value); !trim(text).empty()) return text;
  return {};
}

Messages messages_of(std::vector<Turn> turns, const std::string& where) {
  const auto last = std::find_if(turns.rbegin(), turns.rend(), [](const Turn& turn) { return turn.role == "user"; });
  turns.erase(last.base(), turns.end());
  Messages messages;
  for (Turn& turn : turns) {
    if (turn.calls_tool) throw Error(ErrorKind::data, "this dialogue calls tools, which a prompt cannot", where, "remove the record");
    if (turn.has_media)
      throw Error(ErrorKind::data, "this dialogue has parts that are no text (images, audio)", where, "remove the record or these parts");
    messages.push_back({std::move(turn.role), std::move(turn.content)});
  }
  drop_leading_assistant(messages);
  return messages;
}

std::optional<Messages> record_dialogue(const Json& record, const std::string& where) {
  if (record.contains("role") && record.contains("content")) return messages_of(*parse_turns(Json::array({record}), where), where);
  for (const char* name : kDialogueFields) {
    const Json* value = find_field(record, name);
    if (value == nullptr) continue;
    if (auto turns = parse_turns(*value, where)) return messages_of(std::move(*turns), where);
    if (value->is_object() && (value->contains("messages") || value->contains("turns"))) return record_dialogue(*value, where);
    if (value->is_string() && is_human_assistant(value->get_ref<const std::string&>()))
      return up_to_last_user(parse_human_assistant(value->get_ref<const std::string&>()));
  }
  return std::nullopt;
}

// What a prompt refers to: HarmBench's context, the input of an instruction (Alpaca) or of its first instance (Self-Instruct).
std::string with_context(const Json& record, std::string text) {
  if (const Json* context = find_field(record, "contextstring"); context != nullptr && !text_of(*context).empty())
    return text_of(*context) + "\n\n---\n\n" + text;
  if (find_field(record, "instruction") == nullptr) return text;
  const Json* holder = &record;
  if (const auto instances = record.find("instances"); instances != record.end() && instances->is_array() && !instances->empty())
    holder = &instances->front();
  const Json* input = holder->is_object() ? find_field(*holder, "input") : nullptr;
  if (input != nullptr && input->is_string() && !trim(input->get_ref<const std::string&>()).empty())
    text += "\n" + input->get<std::string>();
  return text;
}

std::string record_text(const Json& record, const std::string& where) {
  for (const char* name : kTextFields) {
    const Json* value = find_field(record, name);
    if (value == nullptr) continue;
    if (value->is_array() && value->size() > 1 && value->front().is_string())
      throw Error(ErrorKind::data, "`" + std::string(name) + "` holds " + std::to_string(value->size()) + " texts", where,
                  "one prompt a record: write a record for each");
    if (std::string text = text_of(*value); !trim(text).empty()) return with_context(record, std::move(text));
  }
  return first_text(record, {"turns"});
}

// PyRIT's seeds: of another kind than text, parts of a dialogue, templates.
void check_seed(const Json& record, const std::string& where) {
  const auto is_text = [&](const char* name) { return record.contains(name) && record[name].is_string(); };
  if (is_text("data_type") && record["data_type"] != "text")
    throw Error(ErrorKind::data, "is a seed of the type " + record["data_type"].get<std::string>() + ", not text", where,
                "remove the record");
  const bool later = is_text("sequence") && record["sequence"] != "0";
  if (record.contains("value") && (later || (is_text("role") && record["role"] != "user")))
    throw Error(ErrorKind::data, "is one turn of a dialogue of several seeds, which is not read", where,
                "write the dialogue as messages: [{role: ..., content: ...}]");
  if (record.contains("value") && record.contains("parameters") && !record["parameters"].empty())
    throw Error(ErrorKind::data, "is a template with parameters, not a prompt", where, "fill in its parameters");
}

}  // namespace

std::string category_of(const Json& record) {
  return std::string(trim(first_text(record, {kCategoryFields.begin(), kCategoryFields.end()})));
}

bool names_prompt(std::string_view field) {
  const std::string name = normal_name(field);
  return std::find(kTextFields.begin(), kTextFields.end(), name) != kTextFields.end();
}

bool holds_prompt(const Json& object) {
  if (!object.is_object()) return false;
  for (const auto& [key, value] : object.items()) {
    const std::string name = normal_name(key);
    const bool known = names_prompt(key) || std::find(kDialogueFields.begin(), kDialogueFields.end(), name) != kDialogueFields.end();
    if (known && (value.is_string() || value.is_array() || (value.is_object() && value.contains("text")))) return true;
  }
  return std::any_of(kWrappers.begin(), kWrappers.end(),
                     [&](const char* name) { return object.contains(name) && holds_prompt(object[name]); });
}

std::string prompt_field_names() { return join({kTextFields.begin(), kTextFields.end()}, ", "); }

PromptRecord read_prompt_record(const Json& record, const std::string& where) {
  if (record.is_string()) return {{{"user", record.get<std::string>()}}, {}, false};
  if (!record.is_object()) throw Error(ErrorKind::data, "neither an object nor a string", where, kHint);
  check_seed(record, where);
  PromptRecord prompt{.messages = {}, .category = category_of(record)};
  prompt.unsafe = to_lower(first_text(record, {"label"})) == "unsafe" || first_text(record, {"type"}).starts_with("contrast_");
  for (const char* name : kWrappers) {
    const auto inner = record.find(name);
    if (inner == record.end() || !holds_prompt(*inner)) continue;
    PromptRecord found = read_prompt_record(*inner, where);
    if (found.category.empty()) found.category = prompt.category;
    return found;
  }
  if (auto dialogue = record_dialogue(record, where)) {
    prompt.messages = std::move(*dialogue);
  } else if (std::string text = record_text(record, where); !trim(text).empty()) {
    prompt.messages = {{"user", std::move(text)}};
  }
  if (prompt.messages.empty() || trim(prompt.messages.back().content).empty())
    throw Error(ErrorKind::data, "this record has no prompt text; its keys: " + key_list(record), where, kHint);
  return prompt;
}

}  // namespace iteralign
