#include "data/near_duplicates.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Words that say how something is asked, not what.
const std::unordered_set<std::string_view>& function_words() {
  static const std::unordered_set<std::string_view> kWords = {
      "a",    "about", "am",   "an",   "and",  "any",    "are",   "as",    "at",    "be",    "by",    "can",  "could",  "did",    "do",
      "does", "for",   "from", "get",  "give", "has",    "have",  "help",  "how",   "i",     "i'd",   "i'm",  "if",     "in",     "is",
      "it",   "its",   "let",  "like", "me",   "my",     "need",  "of",    "on",    "one",   "or",    "our",  "please", "should", "show",
      "so",   "some",  "tell", "than", "that", "the",    "their", "them",  "there", "these", "they",  "this", "to",     "us",     "want",
      "was",  "way",   "ways", "we",   "what", "what's", "when",  "which", "will",  "with",  "would", "you",  "your"};
  return kWords;
}

using WordIds = std::vector<int>;  // sorted, without repeats; rare words have small numbers

struct Fingerprint {
  std::string normal;  // all words in order: equal for exact duplicates
  WordIds content;
};

std::string whole_text(const Prompt& prompt) {
  std::string text;
  for (const auto& message : prompt.messages) text += message.content + "\n";
  return text;
}

std::vector<std::string> content_words(const std::vector<std::string>& all) {
  std::vector<std::string> content;
  for (const auto& word : all)
    if (!function_words().contains(word)) content.push_back(word);
  return content.empty() ? all : content;
}

// Numbers the words of all texts by how rare they are, ties by the alphabet.
std::vector<Fingerprint> fingerprints(const std::vector<const Prompt*>& prompts) {
  std::vector<Fingerprint> prints;
  std::vector<std::vector<std::string>> contents;
  std::unordered_map<std::string, int> frequency;
  for (const Prompt* prompt : prompts) {
    const std::string text = whole_text(*prompt);
    const auto all = words(text);
    prints.push_back({all.empty() ? text : join(all, " "), {}});
    contents.push_back(content_words(all));
    for (const auto& word : contents.back()) ++frequency[word];
  }
  std::vector<std::pair<int, std::string_view>> order;
  for (const auto& [word, count] : frequency) order.emplace_back(count, word);
  std::sort(order.begin(), order.end());
  std::unordered_map<std::string_view, int> ids;
  for (std::size_t i = 0; i < order.size(); ++i) ids[order[i].second] = static_cast<int>(i);
  for (std::size_t i = 0; i < prints.size(); ++i) {
    WordIds& content = prints[i].content;
    for (const auto& word : contents[i]) content.push_back(ids.at(word));
    std::sort(content.begin(), content.end());
    content.erase(std::unique(content.begin(), content.end()), content.end());
  }
  return prints;
}

double jaccard(const WordIds& a, const WordIds& b) {
  std::size_t common = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) ++common;
    const bool step_a = *i <= *j, step_b = *j <= *i;
    i += step_a;
    j += step_b;
  }
  return static_cast<double>(common) / static_cast<double>(a.size() + b.size() - common);
}

// Sets with Jaccard similarity t share a word among the rarest |a| - ceil(t |a|) + 1 of each.
std::size_t prefix_size(const WordIds& content) {
  const auto size = content.size();
  return size == 0 ? 0 : size - static_cast<std::size_t>(std::ceil(kNearDuplicate * static_cast<double>(size) - 1e-9)) + 1;
}

struct Matches {
  std::vector<int> exact, near;
};

// Prompts by number; finds those that a new one duplicates.
class DuplicateIndex {
 public:
  void add(int number, const Fingerprint& print) {
    by_normal_[print.normal].push_back(number);
    for (std::size_t i = 0; i < prefix_size(print.content); ++i) by_word_[print.content[i]].push_back(number);
    content_[number] = &print.content;
  }

  [[nodiscard]] Matches find(const Fingerprint& print) const {
    Matches matches;
    if (const auto found = by_normal_.find(print.normal); found != by_normal_.end()) matches.exact = found->second;
    std::unordered_set<int> seen(matches.exact.begin(), matches.exact.end());
    for (std::size_t i = 0; i < prefix_size(print.content); ++i) {
      const auto found = by_word_.find(print.content[i]);
      if (found == by_word_.end()) continue;
      for (const int candidate : found->second)
        if (seen.insert(candidate).second && jaccard(print.content, *content_.at(candidate)) >= kNearDuplicate)
          matches.near.push_back(candidate);
    }
    return matches;
  }

 private:
  std::unordered_map<std::string, std::vector<int>> by_normal_;
  std::unordered_map<int, std::vector<int>> by_word_;
  std::unordered_map<int, const WordIds*> content_;
};

std::vector<const Prompt*> pointers(const std::vector<Prompt>& a, const std::vector<Prompt>& b = {}) {
  std::vector<const Prompt*> all;
  for (const auto& prompt : a) all.push_back(&prompt);
  for (const auto& prompt : b) all.push_back(&prompt);
  return all;
}

// Moves prompt `i` to the kept ones unless it matches.
bool keep_unless(const Matches& matches, Prompt& prompt, Deduplicated& result) {
  if (!matches.exact.empty())
    ++result.exact;
  else if (!matches.near.empty())
    ++result.near;
  else {
    result.kept.push_back(std::move(prompt));
    return true;
  }
  return false;
}

}  // namespace

Deduplicated drop_duplicates(std::vector<Prompt> prompts) {
  const auto prints = fingerprints(pointers(prompts));
  DuplicateIndex index;
  Deduplicated result;
  for (std::size_t i = 0; i < prompts.size(); ++i)
    if (keep_unless(index.find(prints[i]), prompts[i], result)) index.add(static_cast<int>(i), prints[i]);
  return result;
}

Deduplicated drop_overlap(std::vector<Prompt> prompts, const std::vector<Prompt>& others) {
  const auto prints = fingerprints(pointers(prompts, others));
  DuplicateIndex index;
  for (std::size_t i = prompts.size(); i < prints.size(); ++i) index.add(static_cast<int>(i), prints[i]);
  Deduplicated result;
  for (std::size_t i = 0; i < prompts.size(); ++i) keep_unless(index.find(prints[i]), prompts[i], result);
  return result;
}

std::vector<int> duplicate_groups(const std::vector<Prompt>& prompts) {
  const auto prints = fingerprints(pointers(prompts));
  std::vector<int> parent(prompts.size());  // union-find; a root is the first prompt of its group
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](int i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  DuplicateIndex index;
  for (int i = 0; i < static_cast<int>(prompts.size()); ++i) {
    const Matches matches = index.find(prints[i]);
    for (const auto* list : {&matches.exact, &matches.near})
      for (const int other : *list) {
        const int a = root(i), b = root(other);
        parent[std::max(a, b)] = std::min(a, b);
      }
    index.add(i, prints[i]);
  }
  std::vector<int> groups(prompts.size());
  std::unordered_map<int, int> numbers;
  for (int i = 0; i < static_cast<int>(prompts.size()); ++i)
    groups[i] = numbers.try_emplace(root(i), static_cast<int>(numbers.size())).first->second;
  return groups;
}

}  // namespace iteralign
