#pragma once
// The end of an answer that a stop string makes.

#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace iteralign {

// The place where the first of the stop strings begins in the text; npos when none is there.
std::size_t find_stop(const std::string& text, const std::vector<std::string>& stop);

// Cuts the text of these tokens, which shows no special ones, where a stop string begins; false when there is none. As in transformers
// a stop string may be a special token, or touch one.
bool cut_at_stop(const Tokenizer& tokenizer, std::span<const TokenId> tokens, const std::vector<std::string>& stop, std::string& text);

}  // namespace iteralign
