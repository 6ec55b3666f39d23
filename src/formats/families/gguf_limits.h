#pragma once
// What llama.cpp has no key for, because its own code of a family says it: windows, layers without positions, scales. A model that
// differs is refused: Error data, naming `where`.

#include <cstddef>
#include <string>

#include "formats/model_config.h"

namespace iteralign {

[[noreturn]] void refuse_for_gguf(const std::string& where, const std::string& what);

// Every layer is as `expected(index, layer)` has it.
void check_gguf_layers(const ModelConfig& config, const std::string& where, bool (*expected)(std::size_t index, const LayerConfig& layer));
void check_gguf_no_windows(const ModelConfig& config, const std::string& where);
// Scores are scaled by the root of this.
void check_gguf_scale(const ModelConfig& config, const std::string& where, double scaled_by);

// No windows, and the scale of a head: what most families have.
void check_gguf_usual(const ModelConfig& config, const std::string& where);

}  // namespace iteralign
