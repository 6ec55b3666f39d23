#pragma once
// Which of the words that were asked for a reply says: of its JSON, of its labelled lines ("**Verdict:** negative"), or of itself as a
// whole. A reply that says two of them, that negates, hedges or asks back says none.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct AskedWords {
  std::vector<std::string> keys;   // under which the word stands in JSON, in lower case; the first is the one that was asked for
  std::vector<std::string> words;  // of which one is the answer, in lower case
};

struct SaidWord {
  std::string word;                // one of those asked for; empty: none
  std::string fault, explanation;  // why there is none ("two verdicts in one reply"); the reason that the reply gives
};
SaidWord read_word(const AskedWords& asked, std::string_view reply);

}  // namespace iteralign
