#pragma once
// config.json and generation_config.json from the metadata of a GGUF file.

#include "core/json.h"
#include "formats/gguf.h"
#include "formats/model_config.h"

namespace iteralign {

// Error data names an architecture that is not supported, and a key that is missing or makes no sense.
Json gguf_model_config(const GgufFile& file);
Json gguf_generation_config(const GgufFile& file);

}  // namespace iteralign
