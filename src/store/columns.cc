#include "store/columns.h"

#include <chrono>

#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

[[noreturn]] void fail_at(const Statement& row, const std::string& what) {
  throw Error(ErrorKind::data, "holds a record that is damaged: " + what, row.path(),
              "put back a copy of the file, or move the run folder away and start the run anew");
}

template <class Read>
auto read_json_at(const Statement& row, int column, const Read& read) {
  const Json json = parse_json(row.text(column), row.path());
  try {
    return read(json);
  } catch (const Json::exception& error) {
    fail_at(row, error.what());
  }
}

}  // namespace

double unix_seconds() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string to_text(const Messages& messages) {
  Json turns = Json::array();
  for (const auto& message : messages) turns.push_back({{"role", message.role}, {"content", message.content}});
  return dump_json(turns);
}

std::string to_text(const std::vector<std::string>& ids) { return dump_json(Json(ids)); }

Messages messages_at(const Statement& row, int column) {
  return read_json_at(row, column, [](const Json& json) {
    Messages messages;
    for (const auto& turn : json) messages.push_back({turn.at("role"), turn.at("content")});
    return messages;
  });
}

std::vector<std::string> ids_at(const Statement& row, int column) {
  return read_json_at(row, column, [](const Json& json) { return json.get<std::vector<std::string>>(); });
}

std::map<std::string, std::int64_t> counts_at(const Statement& row, int column) {
  return read_json_at(row, column, [](const Json& json) { return json.get<std::map<std::string, std::int64_t>>(); });
}

void fail_at_word(const Statement& row, const std::string& word, std::span<const char* const> known) {
  throw Error(ErrorKind::data,
              "has an unknown word, '" + word + "', where one of these belongs: " + join({known.begin(), known.end()}, ", "), row.path(),
              "it was written by another program, or by a newer iteralign");
}

PromptSet prompt_set_at(const Statement& row, int column) {
  const std::string word = row.text(column);
  std::vector<const char*> known;
  for (const PromptSet set : all_prompt_sets()) {
    if (word == name(set)) return set;
    known.push_back(name(set));
  }
  fail_at_word(row, word, known);
}

Verdict verdict_at(const Statement& row, int column) {
  return {named_at<Label>(row, column), named_at<UnjudgedReason>(row, column + 1), row.text(column + 2), named_at<Conduct>(row, column + 3),
          row.null(column + 4) ? std::nullopt : std::optional(row.real(column + 4))};
}

Rate rate_at(const Statement& row, int column) {
  const int n = row.small(column), count = row.small(column + 1), unjudged = row.small(column + 2);
  if (count < 0 || count > n || unjudged < 0) fail_at(row, "a rate of " + std::to_string(count) + " in " + std::to_string(n));
  return wilson_rate(count, n, unjudged);
}

}  // namespace iteralign
