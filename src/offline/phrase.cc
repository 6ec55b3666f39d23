#include "offline/phrase.h"

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

bool matches(std::string_view pattern, std::string_view word) {
  if (!pattern.ends_with('*')) return pattern == word;
  pattern.remove_suffix(1);
  return word.starts_with(pattern);
}

}  // namespace

Phrase::Phrase(std::string_view text) : text_(trim(text)) {
  for (auto& word : split(text_, ' '))
    if (!word.empty()) words_.push_back(std::move(word));
  ITERALIGN_CHECK(!words_.empty(), "an empty phrase in a lexicon");
}

std::size_t Phrase::find(const std::vector<std::string>& words, std::size_t from) const {
  for (std::size_t start = from; start + words_.size() <= words.size(); ++start) {
    std::size_t same = 0;
    while (same < words_.size() && matches(words_[same], words[start + same])) ++same;
    if (same == words_.size()) return start;
  }
  return std::string::npos;
}

std::vector<LexiconLine> lexicon_lines(std::string_view lexicon) {
  std::vector<LexiconLine> lines;
  std::string section;
  for (const auto raw : split_lines(lexicon)) {
    const auto line = trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('[') && line.ends_with(']')) {
      section = line.substr(1, line.size() - 2);
    } else {
      ITERALIGN_CHECK(!section.empty(), "a lexicon line before the first [section]");
      lines.push_back({section, std::string(line)});
    }
  }
  return lines;
}

}  // namespace iteralign
