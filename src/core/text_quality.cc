#include "core/text_quality.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTypography = {{{"\u2018", "'"},
                                                                                        {"\u2019", "'"},
                                                                                        {"\u02BC", "'"},
                                                                                        {"\u201C", "\""},
                                                                                        {"\u201D", "\""},
                                                                                        {"\u2013", " "},
                                                                                        {"\u2014", " "},
                                                                                        {"\u2026", " "},
                                                                                        {"\u00A0", " "},
                                                                                        {"\u3002", " "}}};

// Bytes of the UTF-8 character that begins with `lead`.
std::size_t character_bytes(unsigned char lead) { return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// Characters of three and four bytes stand alone; the rest of the word stays together.
void split_word(const std::string& word, std::vector<std::string>& into) {
  std::string run;
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t bytes = std::min(character_bytes(static_cast<unsigned char>(word[i])), word.size() - i);
    if (bytes >= 3) {
      if (!run.empty()) into.push_back(std::exchange(run, {}));
      into.push_back(word.substr(i, bytes));
    } else {
      run += word.substr(i, bytes);
    }
    i += bytes;
  }
  if (!run.empty()) into.push_back(run);
}

bool one_word_dominates(const std::vector<std::string>& said) {
  std::map<std::string_view, std::size_t> counts;
  std::size_t most = 0;
  for (const auto& word : said) most = std::max(most, ++counts[word]);
  return 2 * most >= said.size();
}

bool repeats_itself(std::vector<std::string> said) {
  // Numbers do not count: those of a list would make every line look different.
  std::erase_if(said, [](const std::string& word) { return word.find_first_not_of("0123456789") == std::string::npos; });
  constexpr std::size_t kRun = 4;
  if (said.size() < 12) return false;
  std::set<std::vector<std::string>> different;
  const std::size_t runs = said.size() - kRun + 1;
  for (std::size_t i = 0; i < runs; ++i) {
    const auto run = std::span(said).subspan(i, kRun);
    different.emplace(run.begin(), run.end());
  }
  return 2 * different.size() < runs;
}

}  // namespace

std::vector<std::string> plain_words(std::string_view text) {
  std::string plain(text);
  for (const auto& [typographic, ascii] : kTypography) plain = replace_all(std::move(plain), typographic, ascii);
  std::vector<std::string> split_words;
  for (const auto& word : words(plain)) split_word(word, split_words);
  return split_words;
}

bool is_degenerate(std::string_view text) {
  const auto said = plain_words(text);
  if (said.size() < 3) return true;
  if (said.size() >= 6 && one_word_dominates(said)) return true;
  return repeats_itself(said);
}

}  // namespace iteralign
