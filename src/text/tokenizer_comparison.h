#pragma once
// Whether two tokenizers give the same tokens.

#include <optional>
#include <string>

#include "text/tokenizer.h"

namespace iteralign {

// A text that the two cut into other tokens; nullopt when none was found among short texts of all kinds, texts with added tokens in
// them, and every token of `a` as a text of its own. Texts are composed (NFC).
std::optional<std::string> differing_text(const Tokenizer& a, const Tokenizer& b);

}  // namespace iteralign
