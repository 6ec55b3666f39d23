#include "formats/families/gguf_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "iteralign/error.h"

namespace iteralign {

void refuse_for_gguf(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::data, what + ", which llama.cpp does not know for this family", where, "use the Hugging Face folder");
}

void check_gguf_layers(const ModelConfig& config, const std::string& where, bool (*expected)(std::size_t, const LayerConfig&)) {
  for (std::size_t i = 0; i < config.layers.size(); ++i)
    if (!expected(i, config.layers[i]))
      refuse_for_gguf(where, fmt::format("layer {} differs from the usual pattern of windows and positions", i));
}

void check_gguf_no_windows(const ModelConfig& config, const std::string& where) {
  if (std::ranges::any_of(config.layers, [](const LayerConfig& layer) { return layer.window > 0; }))
    refuse_for_gguf(where, "this model has sliding windows");
}

void check_gguf_scale(const ModelConfig& config, const std::string& where, double scaled_by) {
  if (std::abs(config.attention_scale * std::sqrt(scaled_by) - 1) > 1e-6)
    refuse_for_gguf(where, "query_pre_attn_scalar is another than the size of a head");
}

void check_gguf_usual(const ModelConfig& config, const std::string& where) {
  check_gguf_no_windows(config, where);
  check_gguf_scale(config, where, static_cast<double>(config.head_dim));
}

}  // namespace iteralign
