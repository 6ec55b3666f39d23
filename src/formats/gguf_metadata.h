#pragma once
// What a GGUF file says about a model, apart from its weights.

#include "core/json.h"
#include "formats/gguf_writer.h"
#include "formats/model_config.h"

namespace iteralign {

// The keys of the architecture. Error data, naming `where`, when llama.cpp has no key for something that this model needs.
GgufMetadata gguf_model_metadata(const ModelConfig& config, const std::string& where);

// The tokenizer's keys, for a folder with tokenizer.json: exactly `vocab_size` tokens. The same Error.
GgufMetadata gguf_tokenizer_metadata(const std::string& folder, std::int64_t vocab_size);

}  // namespace iteralign
