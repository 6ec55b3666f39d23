#include "stages/similarity.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/strings.h"

namespace iteralign {
namespace {

const std::set<std::string>& function_words() {
  static const std::set<std::string> words = {"a",     "an",   "and",   "any",   "are",  "as",   "at",     "be",    "by", "do",   "does",
                                              "don't", "for",  "from",  "has",   "have", "how",  "i",      "if",    "in", "is",   "it",
                                              "its",   "me",   "my",    "never", "no",   "not",  "of",     "on",    "or", "so",   "such",
                                              "that",  "the",  "their", "them",  "they", "this", "to",     "was",   "we", "what", "who",
                                              "will",  "with", "would", "you",   "your", "must", "should", "always"};
  return words;
}

// Enough of a stemmer that "weapons" meets "weapon" and "helping" meets "help".
std::string stem(std::string word) {
  for (const std::string_view ending : {"ing", "ed", "es", "s"})
    if (word.size() > ending.size() + 3 && word.ends_with(ending)) return word.substr(0, word.size() - ending.size());
  return word;
}

std::set<std::string> content_words(std::string_view text) {
  std::set<std::string> found;
  for (auto& word : words(text))
    if (!function_words().contains(word)) found.insert(stem(std::move(word)));
  return found;
}

}  // namespace

double word_similarity(std::string_view a, std::string_view b) {
  const auto left = content_words(a), right = content_words(b);
  const auto common = std::count_if(left.begin(), left.end(), [&](const auto& word) { return right.contains(word); });
  const auto all = left.size() + right.size() - static_cast<std::size_t>(common);
  return all == 0 ? 0.0 : static_cast<double>(common) / static_cast<double>(all);
}

}  // namespace iteralign
