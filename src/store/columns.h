#pragma once
// How records lie in columns: lists and dialogues as JSON, enumerations as their names, times as Unix seconds.
// Readers throw Error data with the file's name for a value that this program never wrote.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "iteralign/enum_names.h"
#include "iteralign/records.h"
#include "store/sqlite.h"

namespace iteralign {

inline constexpr int kAnotherRun = 0;  // the process of replies that were taken from another run; those of a run count from 1

double unix_seconds();  // now

std::string to_text(const Messages& messages);
std::string to_text(const std::vector<std::string>& ids);

Messages messages_at(const Statement& row, int column);
std::vector<std::string> ids_at(const Statement& row, int column);
std::map<std::string, std::int64_t> counts_at(const Statement& row, int column);
PromptSet prompt_set_at(const Statement& row, int column);
[[noreturn]] void fail_at_word(const Statement& row, const std::string& word, std::span<const char* const> known);
template <class E>
E named_at(const Statement& row, int column) {
  const std::string word = row.text(column);
  if (const auto value = named<E>(word)) return *value;
  fail_at_word(row, word, kNames<E>);
}
Verdict verdict_at(const Statement& row, int column);  // label, reason, rationale, conduct, probability
Rate rate_at(const Statement& row, int column);        // n, count, unjudged

}  // namespace iteralign
