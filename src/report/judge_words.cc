#include "report/judge_words.h"

namespace iteralign {

std::string judge_words(const std::string& oracle) {
  if (oracle.empty()) return "an unknown judge";
  if (oracle == "keyword") return "keyword: a list of phrases, which sees only whether an answer refuses";
  if (oracle == "lab") return "lab: the oracle of a synthetic world";
  return oracle;
}

}  // namespace iteralign
