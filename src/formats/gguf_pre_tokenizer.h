#pragma once
// How llama.cpp cuts byte-level text before the merges: tokenizer.ggml.pre, as the pre_tokenizer of tokenizer.json and back.
// Reference: llama-vocab.cpp; where it rewrites an expression for its own engine, the published tokenizer.json's is here.

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace iteralign {

struct GgufPreTokenizer {
  std::string name;
  Json pre_tokenizer;
  bool ignore_merges;  // a word that is a token as a whole is not merged
  bool adds_bos;       // when the file does not say
};

// Throws Error data at `where` for a name that is not known; the hint lists those that are.
GgufPreTokenizer gguf_pre_tokenizer(std::string_view name, const std::string& where);

// Names that cut text as this pre_tokenizer of a byte-level tokenizer.json does, however it is written, the best known first.
struct GgufPreTokenizerNames {
  std::vector<std::string> merging, ignoring_merges;
};
GgufPreTokenizerNames gguf_pre_tokenizer_names(const Json& pre_tokenizer, const std::string& where);

}  // namespace iteralign
