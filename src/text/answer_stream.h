#pragma once
// The text of an answer while it grows.

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace iteralign {

// Gives away what is final: whole characters, and nothing that may turn out to be the beginning of a stop string. All that push() and
// finish() give, joined, is the answer's text as cut_at_stop() (stop_strings.h) leaves it. Not thread safe.
class AnswerStream {
 public:
  AnswerStream(const Tokenizer& tokenizer, std::vector<std::string> stop);

  // A token that did not end the answer.
  std::string push(TokenId id);
  // What is left of the whole text.
  std::string finish(const std::string& text) const { return text.substr(given_); }

 private:
  [[nodiscard]] std::size_t may_be_stop() const;

  Tokenizer tokenizer_;
  IncrementalDecoder decoder_;
  std::vector<std::string> stop_;
  std::string held_;  // decoded, not given away
  std::size_t given_ = 0;
  bool waits_ = false;  // for the end
};

}  // namespace iteralign
