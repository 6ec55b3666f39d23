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

std::optional<std::string> RefusalLexicon::refusal_phrase(std::string_view answer, bool or_redirects) const {
  auto head = plain_words(head_of(answer));
  // An empty word matches nothing, so what stood before does not join what stood behind.
  for (const auto& phrase : neither_)
    for (std::size_t at = phrase.find(head); at != std::string::npos; at = phrase.find(head, at + 1))
      std::fill_n(head.begin() + static_cast<std::ptrdiff_t>(at), phrase.size(), std::string());
  auto found = first_found(refuses_, head);
  if (!found && or_redirects) found = first_found(redirects_, head);
  return found;
}

}  // namespace iteralign
