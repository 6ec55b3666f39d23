#include "store/columns.h"

#include <chrono>

#include "core/json.h"
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

Verdict verdict_at(const Statement& row, int column) {
  return {parse_label(row.text(column), row.path()), parse_unjudged_reason(row.text(column + 1), row.path()), row.text(column + 2)};
}

Rate rate_at(const Statement& row, int column) {
  const int n = row.small(column), count = row.small(column + 1), unjudged = row.small(column + 2);
  if (count < 0 || count > n || unjudged < 0) fail_at(row, "a rate of " + std::to_string(count) + " in " + std::to_string(n));
  return wilson_rate(count, n, unjudged);
}

}  // namespace iteralign
