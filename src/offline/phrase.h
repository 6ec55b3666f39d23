#pragma once
// Phrases of the lexicons: whole words in a row, the last letters of a word left open by '*'.

#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

class Phrase {
 public:
  explicit Phrase(std::string_view text);  // "fake document*"

  [[nodiscard]] std::size_t size() const { return words_.size(); }
  // Where the phrase begins in the words, from `from` on; std::string::npos when nowhere.
  [[nodiscard]] std::size_t find(const std::vector<std::string>& words, std::size_t from = 0) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> words_;
};

// A line of a lexicon that says something: comments ('#') and empty lines are left out.
struct LexiconLine {
  std::string section;  // the last "[section]" before it
  std::string text;
};
std::vector<LexiconLine> lexicon_lines(std::string_view lexicon);

}  // namespace iteralign
