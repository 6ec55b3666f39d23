#include "formats/gguf_keys.h"

#include <fmt/format.h>

namespace iteralign {

double gguf_shortest(double value) { return std::stod(fmt::format("{}", static_cast<float>(value))); }

void read_gguf_attention_bias(const GgufKeys& keys, Json& config) { config["attention_bias"] = keys.has_tensor("blk.0.attn_q.bias"); }

}  // namespace iteralign
