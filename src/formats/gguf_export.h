#pragma once
// A model folder as one GGUF file for llama.cpp and what is built on it.
// Reference: convert_hf_to_gguf.py of llama.cpp.

#include <cstdint>
#include <functional>
#include <string>

#include "formats/gguf_writer.h"

namespace iteralign {

// `type` is that of the matrices; vectors are f32, and rows that are no whole blocks f16. The embeddings of q4_0 are q8_0.
// Error data names what GGUF cannot say of this model (a window pattern, a pre-tokenizer, ...). `on_progress(done, total)`: bytes.
using OnExported = std::function<void(std::uint64_t, std::uint64_t)>;
void export_gguf(const std::string& folder, const std::string& gguf_path, GgufType type, const OnExported& on_progress = {});

// The type of a name ("f32", "f16", "bf16", "q8_0", "q4_0"); Error usage lists them.
GgufType parse_gguf_type(const std::string& name);

}  // namespace iteralign
