#include "offline/answer_features.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/files.h"
#include "core/strings.h"
#include "core/text_quality.h"

namespace iteralign {
namespace {

using Words = std::vector<std::string>;

void add_runs(std::span<const std::string> words, std::size_t length, std::set<std::string>& into) {
  for (std::size_t i = 0; i + length <= words.size(); ++i) {
    std::string run = words[i];
    for (std::size_t k = 1; k < length; ++k) run += " " + words[i + k];
    into.insert(std::move(run));
  }
}

std::set<std::string> pairs_of(const Words& words) {
  std::set<std::string> pairs;
  add_runs(words, 2, pairs);
  return pairs;
}

// Without the short words, and without endings: "manufacture" and "manufacturing" are one.
Words word_keys(const Words& words) {
  Words keys;
  for (const std::string& word : words)
    if (word.size() >= 4) keys.push_back(word.substr(0, 5));
  return keys;
}

double share(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(1, whole));
}

// Of the elements of `of`, those that `in` has.
double share_in(const std::set<std::string>& of, const std::set<std::string>& in) {
  return share(static_cast<std::size_t>(std::ranges::count_if(of, [&](const std::string& element) { return in.contains(element); })),
               of.size());
}

// "1. ", "2) ", "- ", "* " and the like.
bool begins_item(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  if (digits > 0) return digits < line.size() && (line[digits] == '.' || line[digits] == ')');
  return line.starts_with('-') || line.starts_with('*') || line.starts_with("\u2022");
}

}  // namespace

AnswerFeatures answer_features(std::string_view prompt, std::string_view answer) {
  constexpr std::size_t kOpeningWords = 12, kEchoWords = 10, kShortWords = 25;
  constexpr std::ptrdiff_t kMostItems = 10;
  const Words asked = plain_words(prompt), said = plain_words(answer);
  AnswerFeatures found;

  Words begin = {"^"};
  begin.insert(begin.end(), said.begin(), said.begin() + static_cast<std::ptrdiff_t>(std::min(kOpeningWords, said.size())));
  for (const std::size_t length : {1, 2, 3}) add_runs(begin, length, found.opening);
  for (const std::size_t length : {1, 2}) add_runs(said, length, found.anywhere);

  const Words asked_keys = word_keys(asked), keys = word_keys(said);
  const std::set<std::string> of_prompt(asked_keys.begin(), asked_keys.end());
  const auto echo = std::span(keys).first(std::min(kEchoWords, keys.size()));
  const auto echoed = std::ranges::count_if(echo, [&](const std::string& key) { return of_prompt.contains(key); });
  const auto lines = split(answer, '\n');
  const auto items = std::min(kMostItems, std::ranges::count_if(lines, begins_item));
  found.shape = {share_in(of_prompt, {keys.begin(), keys.end()}),
                 share(static_cast<std::size_t>(echoed), echo.size()),
                 share_in(pairs_of(asked), pairs_of(said)),
                 std::log1p(static_cast<double>(said.size())) / 6,
                 said.size() < kShortWords ? 1.0 : 0.0,
                 share(std::set(said.begin(), said.end()).size(), said.size()),
                 static_cast<double>(items) / static_cast<double>(kMostItems),
                 contains(answer, "```") ? 1.0 : 0.0,
                 trim(answer).ends_with('?') ? 1.0 : 0.0};
  return found;
}

}  // namespace iteralign
