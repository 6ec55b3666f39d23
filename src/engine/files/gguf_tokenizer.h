#pragma once
// The tokenizer that a GGUF file's metadata describes, as Hugging Face files.
// Reference: convert_gguf_tokenizer of transformers 5.

#include "core/json.h"
#include "engine/files/gguf.h"

namespace iteralign {

struct GgufTokenizer {
  Json tokenizer;             // tokenizer.json
  Json tokenizer_config;      // tokenizer_config.json, without the chat template
  Json special_tokens_map;    // special_tokens_map.json
  std::string chat_template;  // chat_template.jinja; empty when the file has none
};

// Byte-level BPE (`gpt2`) and SentencePiece BPE (`llama`); Error data names any other model or pre-tokenizer.
GgufTokenizer read_gguf_tokenizer(const GgufFile& file);

// tokenizer.ggml.pre for the pre_tokenizer of a byte-level tokenizer.json; empty when llama.cpp has none that does the same.
std::string gguf_pre_tokenizer(const Json& pre_tokenizer);

}  // namespace iteralign
