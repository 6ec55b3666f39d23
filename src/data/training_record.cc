#include "data/training_record.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/strings.h"
#include "data/dialogue.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

using Turns = std::vector<Turn>;

constexpr std::array kQuestions = {"prompt", "instruction", "question", "query"};
constexpr std::array kAnswers = {"completion", "output", "response", "answer"};
constexpr const char* kAcceptedRecords =
    "accepted are messages, conversations (ShareGPT), prompt and completion, instruction and output (Alpaca), question and answer, or "
    "chosen and rejected";

std::string text_field(const Json& record, const char* name) {
  const auto value = record.find(name);
  return value != record.end() && value->is_string() ? value->get<std::string>() : "";
}

template <std::size_t N>
const char* first_field(const Json& record, const std::array<const char*, N>& names) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const char* name) { return record.contains(name) && !record[name].is_null(); });
  return found == names.end() ? nullptr : *found;
}

// Empty lists and texts say nothing, also when they are written as text.
bool has_items(const Json& record, const char* name) {
  const auto value = record.find(name);
  if (value == record.end() || value->is_null()) return false;
  if (!value->is_string()) return !value->empty();
  const std::string_view text = trim(value->get_ref<const std::string&>());
  return !text.empty() && text != "[]" && text != "{}" && text != "null";
}

// A text is one turn of that role; a list is turns, and so is a single one.
Turns turns_of(const Json& value, const char* role, const std::string& where) {
  if (value.is_string()) return {{.role = role, .content = value.get<std::string>()}};
  if (auto turns = parse_turns(value.is_object() ? Json::array({value}) : value, where)) return std::move(*turns);
  throw Error(ErrorKind::data, "this record is not training data: a question or answer is neither text nor turns", where, kAcceptedRecords);
}

void append(Turns& turns, Turns more) {
  turns.insert(turns.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Earlier exchanges (Alpaca's history), the question and its input.
Turns question_turns(const Json& record, const char* name, const std::string& where) {
  Turns turns;
  if (has_items(record, "history"))
    for (const auto& exchange : record["history"]) {
      if (!exchange.is_array() || exchange.size() != 2 || !exchange[0].is_string() || !exchange[1].is_string())
        throw Error(ErrorKind::data, "`history` is not a list of pairs of texts", where, "write it as [[question, answer], ...]");
      append(turns, turns_of(exchange[0], "user", where));
      append(turns, turns_of(exchange[1], "assistant", where));
    }
  append(turns, turns_of(record[name], "user", where));
  if (std::string_view(name) == "instruction")
    for (const char* input : {"input", "context"})  // Alpaca, Dolly
      if (const std::string text = text_field(record, input); !text.empty()) turns.back().content += "\n" + text;
  return turns;
}

// The whole dialogue of a record with its answers; nothing when it has no known form.
std::optional<Turns> record_turns(const Json& record, const std::string& where) {
  for (const char* name : {"messages", "conversations", "conversation"})
    if (record.contains(name)) return parse_turns(record[name], where);
  const char* question = first_field(record, kQuestions);
  const char* answer = first_field(record, kAnswers);
  if (question == nullptr || answer == nullptr) return std::nullopt;
  Turns turns = question_turns(record, question, where);
  append(turns, turns_of(record[answer], "assistant", where));
  return turns;
}

// The record as a whole: what cannot be learnt as it is, and what was marked as bad.
std::string fault_of_record(const Json& record, const std::string& where) {
  for (const char* name : {"label", "kto_tag"}) {
    const auto value = record.find(name);
    if (value != record.end() && (*value == false || *value == 0)) return "records with `" + std::string(name) + "` false";
  }
  if (record.contains("weight") && !is_learnt({{"weight", record["weight"]}}, where)) return "records of weight 0";
  for (const char* name : {"tools", "functions"})
    if (has_items(record, name)) return "records with tools";
  for (const char* name : {"images", "image", "videos", "audios", "audio"})
    if (has_items(record, name)) return "records with images or sound";
  return {};
}

std::string fault_of_turns(const Turns& turns) {
  if (std::ranges::any_of(turns, &Turn::calls_tool)) return "records that call tools";
  if (std::ranges::any_of(turns, &Turn::has_media)) return "records with images or sound";
  return {};
}

// The system column of a record, before its dialogue; what a dialogue says itself goes first.
void add_system(const Json& record, Turns& turns, TrainingRecord& read) {
  for (const char* name : {"system", "system_prompt"}) {
    const std::string system = text_field(record, name);
    if (trim(system).empty()) continue;
    if (!turns.empty() && turns.front().role == "system") {
      if (turns.front().content != system) read.left_out.emplace_back("`system` fields of dialogues with a system message of their own");
      return;
    }
    turns.insert(turns.begin(), Turn{.role = "system", .content = system});
    return;
  }
}

// An assistant's turn before the first user's has nothing that it answers, and chat templates refuse it.
void drop_opening(Turns& turns, TrainingRecord& read) {
  const auto first = std::ranges::find_if(turns, [](const Turn& turn) { return turn.role != "system"; });
  const auto user = std::ranges::find(turns, "user", &Turn::role);
  for (auto opening = first; opening < user; ++opening) read.left_out.emplace_back("opening turns of the assistant");
  if (first < user) turns.erase(first, user);
}

void add_answers(const Turns& turns, TrainingRecord& read) {
  Messages context;
  for (const Turn& turn : turns) {
    if (turn.role == "assistant") {
      if (turn.has_thoughts) read.left_out.emplace_back("thoughts beside an answer");
      if (trim(turn.content).empty())
        read.left_out.emplace_back("empty answers");
      else if (!turn.learnt)
        read.left_out.emplace_back("answers of weight 0");
      else
        read.examples.push_back({context, turn.content});
    }
    context.push_back({turn.role, turn.content});
  }
}

Messages messages_of(const Turns& turns) {
  Messages messages;
  for (const Turn& turn : turns) messages.push_back({turn.role, turn.content});
  return messages;
}

// The prompt with one of its two answers, given apart or as a whole dialogue (also hh-rlhf's transcripts).
Turns preference_turns(const Json& record, const char* name, const std::string& where) {
  const Json& answer = record[name];
  if (answer.is_string() && is_human_assistant(answer.get_ref<const std::string&>())) {
    Turns turns;
    for (Message& message : parse_human_assistant(answer.get_ref<const std::string&>()))
      turns.push_back({.role = std::move(message.role), .content = std::move(message.content)});
    return turns;
  }
  const bool whole = answer.is_array() && answer.size() > 1;
  Turns turns;
  const char* question = first_field(record, kQuestions);
  for (const char* dialogue : {"messages", "conversations"})
    if (question == nullptr && !whole && record.contains(dialogue)) turns = turns_of(record[dialogue], "user", where);
  // A text beside whole dialogues says again what they begin with, as TRL takes it.
  if (question != nullptr && !(whole && record[question].is_string())) turns = question_turns(record, question, where);
  append(turns, turns_of(answer, "assistant", where));
  return turns;
}

void add_preference(const Json& record, const std::string& where, TrainingRecord& read) {
  Turns chosen = preference_turns(record, "chosen", where), rejected = preference_turns(record, "rejected", where);
  for (const Turns* turns : {&chosen, &rejected})
    if (std::string fault = fault_of_turns(*turns); !fault.empty()) return read.left_out.push_back(std::move(fault));
  add_system(record, chosen, read);
  TrainingRecord again;  // what is counted once
  add_system(record, rejected, again);
  drop_opening(chosen, read);
  drop_opening(rejected, again);
  const Messages good = messages_of(chosen), bad = messages_of(rejected);
  const auto answered = [](const Messages& dialogue) { return dialogue.size() > 1 && dialogue.back().role == "assistant"; };
  if (!answered(good) || !answered(bad) || good.size() != bad.size() || !std::equal(good.begin(), good.end() - 1, bad.begin()))
    throw Error(ErrorKind::data, "chosen and rejected are not two answers to one prompt", where,
                "give prompt, chosen and rejected, or two dialogues that differ in the last answer");
  read.examples.push_back({Messages(good.begin(), good.end() - 1), good.back().content, true, -1, bad.back().content});
}

}  // namespace

TrainingRecord read_training_record(const Json& record, const std::string& where) {
  const auto unknown = [&] {
    const std::string seen = record.is_object() ? "; its keys: " + key_list(record) : "";
    return Error(ErrorKind::data, "this record is not training data" + seen, where, kAcceptedRecords);
  };
  if (!record.is_object()) throw unknown();
  TrainingRecord read;
  if (std::string fault = fault_of_record(record, where); !fault.empty()) {
    read.left_out.push_back(std::move(fault));
    return read;
  }
  if (record.contains("chosen") && record.contains("rejected")) {
    add_preference(record, where, read);
    return read;
  }
  auto turns = record_turns(record, where);
  if (!turns) throw unknown();
  if (std::string fault = fault_of_turns(*turns); !fault.empty()) {
    read.left_out.push_back(std::move(fault));
    return read;
  }
  add_system(record, *turns, read);
  drop_opening(*turns, read);
  add_answers(*turns, read);
  if (const auto complete = record.find("complete"); complete != record.end() && *complete == false && !read.examples.empty())
    read.examples.back().complete = false;
  const auto weightless = std::ranges::count(read.left_out, "answers of weight 0");
  if (read.examples.empty() && weightless == 0)
    throw Error(ErrorKind::data, "this record has no answer to learn from", where,
                "an assistant's turn must follow a user's turn and not be empty");
  return read;
}

}  // namespace iteralign
