#pragma once
// Which of the words that were asked for a reply says: of its JSON, of its labelled lines ("**Verdict:** negative"), or of itself as a
// whole. A reply that says two of them, that negates, hedges or asks back says none.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iteralign/records.h"

namespace iteralign {

// What a judge's word stands for.
struct Meaning {
  Label label = Label::unjudged;
  Conduct conduct = Conduct::unknown;
  bool operator==(const Meaning&) const = default;
};

struct AskedWords {
  std::vector<std::string> keys;         // under which the word stands in JSON, in lower case; the first is the one that was asked for
  std::map<std::string, Meaning> words;  // of which one is the answer, in lower case; those with the same label contradict no other
};

struct SaidWord {
  std::string word;                                 // one of those asked for; empty: none
  std::string fault, explanation;                   // why there is none ("two verdicts in one reply"); the reason that the reply gives
  std::optional<double> negative_probability = {};  // what stands beside the word under this key: how likely the label `negative` is
};
SaidWord read_word(const AskedWords& asked, std::string_view reply);

}  // namespace iteralign
