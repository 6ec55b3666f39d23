#pragma once
// Training of a byte-level BPE tokenizer (Sennrich et al. 2016, on bytes as in GPT-2), for small corpora.

#include <string>
#include <vector>

#include "core/json.h"

namespace iteralign {

// The content of a tokenizer.json: special tokens first, then the 256 bytes, then one token a merge, at most `vocab_size` in all; fewer
// when every word of the texts is one token. Text is cut into words by GPT-2's pattern (the texts must be ASCII). The most frequent
// pair is merged first, ties by the order of the tokens, so that the result is the same everywhere.
Json train_bpe(const std::vector<std::string>& texts, int vocab_size, const std::vector<std::string>& special_tokens);

}  // namespace iteralign
