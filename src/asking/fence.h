#pragma once
// Fences around text that is data in a prompt. A block is
//   <<<PROMPT 3f9a0c1e
//   text
//   PROMPT 3f9a0c1e>>>
// The nonce is made from the fenced texts and occurs in none of them, so no text can close its block or open another.

#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

// Eight hexadecimal digits for one message: the same texts give the same nonce, and none of the texts holds it.
std::string fence_nonce(const std::vector<std::string>& parts);

// `kind` is a word in capitals, with a number if it is one of several: "PROMPT", "CASE 3".
std::string fence(std::string_view kind, std::string_view nonce, std::string_view text);

struct FencedBlock {
  std::string kind;  // "CASE" of "CASE 3"
  int number = 0;    // 3; 0 without a number
  std::string text;
};

// The outermost blocks of a message, in order. Only the nonce of the first block counts; a block that is not closed is left out.
// The blocks inside a block are got from its text.
std::vector<FencedBlock> parse_fences(std::string_view message);

}  // namespace iteralign
