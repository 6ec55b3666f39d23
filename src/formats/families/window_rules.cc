#include "formats/families/window_rules.h"

#include <algorithm>
#include <string>

namespace iteralign {

std::int64_t sliding_window(const Fields& fields, std::int64_t otherwise) {
  return fields.contains("sliding_window") ? fields.integer("sliding_window", 1).value_or(0) : otherwise;
}

void set_windows(ModelConfig& config, std::int64_t window) {
  for (LayerConfig& layer : config.layers) layer.window = window;
}

void set_windows(const Fields& fields, ModelConfig& config, std::int64_t window, const std::function<bool(std::int64_t)>& windowed) {
  if (window == 0) return;
  const Json* types = fields.find("layer_types");
  if (types != nullptr && (!types->is_array() || types->size() != config.layers.size()))
    fields.fail("layer_types", "is not a list of " + std::to_string(config.layers.size()) + " names");
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    if (types != nullptr && (*types)[i] != "sliding_attention" && (*types)[i] != "full_attention")
      fields.fail("layer_types", "has " + dump_json((*types)[i]) + "; supported are \"full_attention\" and \"sliding_attention\"");
    const bool has_window = types != nullptr ? (*types)[i] == "sliding_attention" : windowed(static_cast<std::int64_t>(i));
    if (has_window) config.layers[i].window = window;
  }
}

std::int64_t largest_window(const ModelConfig& config) {
  std::int64_t window = 0;
  for (const LayerConfig& layer : config.layers) window = std::max(window, layer.window);
  return window;
}

}  // namespace iteralign
