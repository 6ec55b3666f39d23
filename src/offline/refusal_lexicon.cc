#include "offline/refusal_lexicon.h"

#include <algorithm>
#include <map>

#include "core/text_quality.h"
#include "embedded_lexicon.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kHeadBytes = 240;

// To the end of the word that the limit falls into.
std::string_view head_of(std::string_view text) {
  if (text.size() <= kHeadBytes) return text;
  return text.substr(0, std::min(text.find_first_of(" \t\r\n", kHeadBytes), text.size()));
}

// The answer without its quotations: 'Here is a polite answer: "I'm sorry, but I can't come."' refuses nothing. A quotation at the very
// beginning is the answer itself.
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

// The first words of each sentence and line: further on "I can't help" is told of, not done.
std::vector<std::vector<std::string>> sentence_beginnings(std::string_view text) {
  constexpr std::size_t kWords = 8;
  std::vector<std::vector<std::string>> beginnings;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(".!?:\n"), text.size() - 1) + 1;
    beginnings.push_back(plain_words(text.substr(0, end)));
    beginnings.back().resize(std::min(beginnings.back().size(), kWords));
    text.remove_prefix(end);
  }
  return beginnings;
}

std::optional<std::string> first_found(const std::vector<Phrase>& phrases, const std::vector<std::string>& words) {
  for (const auto& phrase : phrases)
    if (phrase.find(words) != std::string::npos) return phrase.text();
  return {};
}

void blank_out(const std::vector<Phrase>& phrases, std::vector<std::string>& words) {
  for (const auto& phrase : phrases)
    for (std::size_t at = phrase.find(words); at != std::string::npos; at = phrase.find(words, at + 1))
      std::fill_n(words.begin() + static_cast<std::ptrdiff_t>(at), phrase.size(), std::string());
}

}  // namespace

RefusalLexicon::RefusalLexicon(std::string_view lexicon) {
  const std::map<std::string, std::vector<Phrase>*> sections = {
      {"refuses", &refuses_}, {"late", &late_}, {"redirects", &redirects_}, {"apologises", &apologises_}, {"neither", &neither_}};
  for (const auto& line : lexicon_lines(lexicon)) {
    const auto section = sections.find(line.section);
    ITERALIGN_CHECK(section != sections.end(), "unknown section " + line.section);
    section->second->emplace_back(line.text);
  }
}

std::vector<std::string> RefusalLexicon::head_words(std::string_view answer) const {
  auto head = plain_words(unquoted(head_of(answer)));
  blank_out(apologises_, head);
  blank_out(neither_, head);
  return head;
}

bool RefusalLexicon::only_apologises(std::string_view answer) const {
  constexpr std::ptrdiff_t kSaysSomething = 6;  // words
  auto head = plain_words(unquoted(head_of(answer)));
  const auto spoken = std::ssize(head);
  blank_out(apologises_, head);
  const auto apology = std::count(head.begin(), head.end(), "");
  return apology > 0 && spoken - apology < kSaysSomething;
}

std::optional<std::string> RefusalLexicon::refusal_phrase(std::string_view answer) const {
  if (auto found = first_found(refuses_, head_words(answer))) return found;
  for (const auto& begin : sentence_beginnings(unquoted(answer)))
    if (auto found = first_found(late_, begin)) return found;
  return {};
}

std::optional<std::string> RefusalLexicon::redirection_phrase(std::string_view answer) const {
  return first_found(redirects_, head_words(answer));
}

const RefusalLexicon& embedded_refusals() {
  static const RefusalLexicon kLexicon(embedded_lexicon("refusals.txt"));
  return kLexicon;
}

}  // namespace iteralign
