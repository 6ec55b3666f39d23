#pragma once
// The rotary embeddings of a GGUF file as config.json has them.

#include <string>

#include "core/json.h"
#include "formats/gguf.h"

namespace iteralign {

// The object rope_scaling, or null. Error data names a scaling that is not supported.
Json gguf_rope_scaling(const GgufFile& file, const std::string& architecture, double theta);

}  // namespace iteralign
