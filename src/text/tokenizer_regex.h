#pragma once
// The regular expressions of tokenizer.json. They are written for Oniguruma (Ruby syntax) and run by PCRE2, compiled once
// to machine code; what the two read differently is translated, or refused where it cannot be.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_json.h"

namespace iteralign {

class Pcre2Code;

struct Range {
  std::size_t begin = 0, end = 0;  // bytes
};

// Immutable, safe from many threads.
class TokenizerRegex {
 public:
  // Throws Error data at `where` for a pattern that is not understood.
  TokenizerRegex(std::string_view pattern, const std::string& where);

  // All matches in valid UTF-8 text, from left to right, appended to `matches`.
  void find_all(std::string_view text, std::vector<Range>& matches) const;

 private:
  std::shared_ptr<const Pcre2Code> code_;
};

// A "pattern" of tokenizer.json: {"String": literal} or {"Regex": expression}.
class TokenizerPattern {
 public:
  explicit TokenizerPattern(const JsonPart& pattern);
  explicit TokenizerPattern(std::string literal) : literal_(std::move(literal)) {}
  explicit TokenizerPattern(TokenizerRegex regex) : regex_(std::make_shared<const TokenizerRegex>(std::move(regex))) {}

  void find_all(std::string_view text, std::vector<Range>& matches) const;
  // The text with every match replaced.
  [[nodiscard]] std::string replace(std::string_view text, std::string_view content) const;

 private:
  std::string literal_;
  std::shared_ptr<const TokenizerRegex> regex_;  // null: the literal
};

}  // namespace iteralign
