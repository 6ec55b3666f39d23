#include "offline/topic.h"

#include <algorithm>

#include "core/strings.h"
#include "core/text_quality.h"
#include "offline/phrase.h"

namespace iteralign {
namespace {

constexpr std::size_t kEnoughWords = 6;  // of content; below, an answer may not have come to its topic yet

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// "cook" and "cooking", "cat" and "cats", "decide" and "decision".
bool akin(std::string_view a, std::string_view b) {
  const auto shorter = std::min(a.size(), b.size());
  const auto shared =
      static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin()).first - a.begin());
  return shared >= 5 || shared == shorter || (shared == 4 && shorter <= 6);
}

}  // namespace

Topic::Topic(std::string_view common_words) {
  for (const LexiconLine& line : lexicon_lines(common_words))
    for (std::string& word : split(line.text, ' ')) common_.insert(std::move(word));
}

// Of letters alone: in other scripts an answer may be a translation of what the prompt asks for.
std::vector<std::string> Topic::content_words(std::string_view text) const {
  constexpr std::size_t kShortest = 3;
  std::vector<std::string> found = plain_words(text);
  std::erase_if(found, [&](const std::string& word) {
    return word.size() < kShortest || common_.contains(word) ||
           !std::ranges::all_of(word, [](char c) { return is_letter(c) || c == '\''; });
  });
  return found;
}

bool Topic::is_missed(std::string_view prompt, std::string_view answer) const {
  const std::vector<std::string> asked = content_words(prompt), said = content_words(answer);
  return !asked.empty() && std::set(said.begin(), said.end()).size() >= kEnoughWords &&
         std::ranges::none_of(
             asked, [&](const std::string& a) { return std::ranges::any_of(said, [&](const std::string& b) { return akin(a, b); }); });
}

}  // namespace iteralign
