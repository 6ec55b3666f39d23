#include "report/judge_words.h"

namespace iteralign {

std::string judge_words(const std::string& oracle) {
  if (oracle.empty()) return "an unknown judge";
  if (oracle == "keyword") return "keyword: a list of phrases, which sees only whether an answer refuses";
  if (oracle == "trained")
    return "trained: a small judge of an answer's wording, which sees whether it does what was asked, not whether that harms";
  if (oracle == "lab") return "lab: the oracle of a synthetic world";
  return oracle;
}

}  // namespace iteralign
