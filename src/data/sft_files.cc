#include "data/sft_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "data/dialogue.h"
#include "data/json_records.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::string text_field(const Json& record, const char* name) {
  const auto value = record.find(name);
  return value != record.end() && value->is_string() ? value->get<std::string>() : "";
}

// A text becomes one turn of that role; a list of messages stays.
std::optional<Messages> turns(const Json& record, const char* name, const char* role) {
  const auto value = record.find(name);
  if (value == record.end()) return std::nullopt;
  if (value->is_string()) return Messages{{role, value->get<std::string>()}};
  return parse_messages(*value);
}

Messages alpaca_dialogue(const Json& record) {
  Messages messages;
  if (const std::string system = text_field(record, "system"); !system.empty()) messages.push_back({"system", system});
  if (const auto history = record.find("history"); history != record.end() && history->is_array())
    for (const auto& exchange : *history)
      if (exchange.is_array() && exchange.size() == 2 && exchange[0].is_string() && exchange[1].is_string()) {
        messages.push_back({"user", exchange[0].get<std::string>()});
        messages.push_back({"assistant", exchange[1].get<std::string>()});
      }
  std::string question = text_field(record, "instruction");
  if (const std::string input = text_field(record, "input"); !input.empty()) question += "\n" + input;
  messages.push_back({"user", question});
  messages.push_back({"assistant", text_field(record, "output")});
  return messages;
}

// The prompt with one of its two answers, given apart or as a whole dialogue (also hh-rlhf's transcripts).
std::optional<Messages> preference_dialogue(const Json& record, const char* name) {
  const auto prompt = turns(record, "prompt", "user");
  const Json& answer = record[name];
  if (!prompt) {
    if (answer.is_string() && is_human_assistant(answer.get<std::string>())) return parse_human_assistant(answer.get<std::string>());
    return parse_messages(answer);
  }
  Json joined = messages_json(*prompt);
  if (answer.is_string()) joined.push_back({{"role", "assistant"}, {"content", answer.get<std::string>()}});
  if (answer.is_array()) joined.insert(joined.end(), answer.begin(), answer.end());
  return parse_messages(joined);
}

void add_preference(const JsonRecord& record, std::vector<TrainExample>& examples) {
  const auto chosen = preference_dialogue(record.value, "chosen"), rejected = preference_dialogue(record.value, "rejected");
  const auto answered = [](const auto& dialogue) { return dialogue && dialogue->size() > 1 && dialogue->back().role == "assistant"; };
  if (!answered(chosen) || !answered(rejected) || chosen->size() != rejected->size() ||
      !std::equal(chosen->begin(), chosen->end() - 1, rejected->begin()))
    throw Error(ErrorKind::data, "chosen and rejected are not two answers to one prompt", record.where,
                "give prompt, chosen and rejected, or two dialogues that differ in the last answer");
  examples.push_back({Messages(chosen->begin(), chosen->end() - 1), chosen->back().content, true, -1, rejected->back().content});
}

// The whole dialogue of a record with its answers; nothing when it has no known form.
std::optional<Messages> record_dialogue(const Json& record) {
  if (!record.is_object()) return std::nullopt;
  for (const char* name : {"messages", "conversations"})
    if (record.contains(name)) return parse_messages(record[name]);
  if (record.contains("instruction") && record.contains("output")) return alpaca_dialogue(record);
  auto dialogue = turns(record, "prompt", "user");
  // An answer given as a list of one message is a turn of the assistant, which parse_messages would drop as a leading one.
  const auto completion = record.find("completion");
  if (!dialogue || completion == record.end()) return std::nullopt;
  if (completion->is_string()) {
    dialogue->push_back({"assistant", completion->get<std::string>()});
    return dialogue;
  }
  if (!completion->is_array()) return std::nullopt;
  Json joined = messages_json(*dialogue);
  for (const auto& turn : *completion) joined.push_back(turn);
  return parse_messages(joined);
}

void add_examples(const JsonRecord& record, std::vector<TrainExample>& examples) {
  if (record.value.is_object() && record.value.contains("chosen") && record.value.contains("rejected"))
    return add_preference(record, examples);
  const auto dialogue = record_dialogue(record.value);
  if (!dialogue)
    throw Error(ErrorKind::data, "this record is not training data", record.where,
                "accepted are messages, conversations (ShareGPT), prompt and completion, instruction and output (Alpaca), or chosen and "
                "rejected");
  const std::size_t before = examples.size();
  Messages context;
  for (const auto& message : *dialogue) {
    if (message.role == "assistant" && !context.empty() && context.back().role == "user" && !trim(message.content).empty())
      examples.push_back({context, message.content});
    context.push_back(message);
  }
  if (const auto complete = record.value.find("complete"); complete != record.value.end() && *complete == false && examples.size() > before)
    examples.back().complete = false;
  if (examples.size() == before)
    throw Error(ErrorKind::data, "this record has no answer to learn from", record.where,
                "an assistant's turn must follow a user's turn and not be empty");
}

}  // namespace

std::vector<TrainExample> read_sft_file(const std::string& path) {
  const std::string content = read_file_gz(path);
  const auto records = read_json_records(content, path);
  if (!records) throw Error(ErrorKind::data, "is neither a JSON array nor JSON Lines", path, "give one record of training data a line");
  std::vector<TrainExample> examples;
  for (const auto& record : *records) add_examples(record, examples);
  if (examples.empty()) throw Error(ErrorKind::data, "has no training data", path, "give one record of training data a line");
  return examples;
}

}  // namespace iteralign
