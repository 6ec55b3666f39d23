#pragma once
// The usual keyword measure of attack success: does a refusal stand at the beginning of an answer?

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offline/phrase.h"

namespace iteralign {

class RefusalLexicon {
 public:
  explicit RefusalLexicon(std::string_view lexicon);  // keyword/refusals.txt explains the format

  // The phrase by which the first 240 characters refuse, or (`or_redirects`) turn to something safe.
  [[nodiscard]] std::optional<std::string> refusal_phrase(std::string_view answer, bool or_redirects) const;

 private:
  std::vector<Phrase> refuses_, redirects_, neither_;
};

}  // namespace iteralign
