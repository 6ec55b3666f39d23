#pragma once
// The tokenizer that a GGUF file's metadata describes, as Hugging Face files.
// Reference: llama.cpp. convert_gguf_tokenizer of transformers 5 cuts some texts otherwise: it does not look at tokenizer.ggml.pre,
// and puts SentencePiece's space at the start of a text alone.

#include "core/json.h"
#include "formats/gguf.h"

namespace iteralign {

struct GgufTokenizer {
  Json tokenizer;             // tokenizer.json
  Json tokenizer_config;      // tokenizer_config.json, without the chat template
  Json special_tokens_map;    // special_tokens_map.json
  std::string chat_template;  // chat_template.jinja; empty when the file has none
};

// Byte-level BPE (`gpt2`) and SentencePiece BPE (`llama`); Error data names any other model or pre-tokenizer.
GgufTokenizer read_gguf_tokenizer(const GgufFile& file);

}  // namespace iteralign
