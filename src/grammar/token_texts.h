#pragma once
// The tokens of a vocabulary by the bytes that they say, those with the same beginning side by side.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace iteralign {

// Without special tokens, those that say nothing, and those left out. Immutable, safe from many threads.
class TokenTexts {
 public:
  // Error data when a token's text depends on its neighbours.
  explicit TokenTexts(const Tokenizer& tokenizer, std::span<const TokenId> left_out = {});

  struct Token {
    TokenId id;
    std::string text;
    std::size_t shared;  // bytes at the beginning that the token before begins with too
  };
  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }
  // Empty: none of these.
  [[nodiscard]] std::string_view text(TokenId id) const;

 private:
  std::vector<Token> tokens_;            // by text
  std::vector<std::uint32_t> place_of_;  // in tokens_, by id; its size where there is none
};

}  // namespace iteralign
