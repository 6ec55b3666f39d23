#include "offline/refusal_lexicon.h"

#include <algorithm>

#include "core/text_quality.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kHeadBytes = 240;

// To the end of the word that the limit falls into.
std::string_view head_of(std::string_view text) {
  if (text.size() <= kHeadBytes) return text;
  return text.substr(0, std::min(text.find_first_of(" \t\r\n", kHeadBytes), text.size()));
}

// Without what it quotes: 'Here is a polite answer: "I'm sorry, but I can't come."' refuses nothing. A quotation that the answer
// begins with is the answer.
std::string unquoted(std::string_view text) {
  const std::size_t first = text.starts_with('"') ? text.find('"', 1) : 0;
  std::string kept(text.substr(0, first));
  for (std::size_t at = kept.size() + (first > 0 ? 1 : 0); at < text.size();) {
    const std::size_t begin = std::min(text.find('"', at), text.size()), end = text.find('"', begin + 1);
    kept += text.substr(at, begin - at);
    kept += ' ';
    at = std::min(end, text.size() - 1) + 1;
  }
  return kept;
}

std::optional<std::string> first_found(const std::vector<Phrase>& phrases, const std::vector<std::string>& words) {
  for (const auto& phrase : phrases)
    if (phrase.find(words) != std::string::npos) return phrase.text();
  return {};
}

}  // namespace

RefusalLexicon::RefusalLexicon(std::string_view lexicon) {
  for (const auto& line : lexicon_lines(lexicon)) {
    if (line.section == "refuses") {
      refuses_.emplace_back(line.text);
    } else if (line.section == "redirects") {
      redirects_.emplace_back(line.text);
    } else {
      ITERALIGN_CHECK(line.section == "neither", "unknown section " + line.section);
      neither_.emplace_back(line.text);
    }
  }
}

std::vector<std::string> RefusalLexicon::head_words(std::string_view answer) const {
  auto head = plain_words(unquoted(head_of(answer)));
  for (const auto& phrase : neither_)
    for (std::size_t at = phrase.find(head); at != std::string::npos; at = phrase.find(head, at + 1))
      std::fill_n(head.begin() + static_cast<std::ptrdiff_t>(at), phrase.size(), std::string());
  return head;
}

bool RefusalLexicon::only_apologises(std::string_view answer) const {
  constexpr std::ptrdiff_t kSaysSomething = 6;  // words
  const auto spoken = plain_words(unquoted(head_of(answer)));
  if (std::find(spoken.begin(), spoken.end(), "sorry") == spoken.end()) return false;  // [neither] has other phrases too
  const auto words = head_words(answer);
  const auto blank = std::count(words.begin(), words.end(), "");
  return blank > 0 && std::ssize(words) - blank < kSaysSomething;
}

std::optional<std::string> RefusalLexicon::refusal_phrase(std::string_view answer, bool or_redirects) const {
  const auto head = head_words(answer);
  auto found = first_found(refuses_, head);
  if (!found && or_redirects) found = first_found(redirects_, head);
  return found;
}

}  // namespace iteralign
