#pragma once
// Which layers of a model see a window of keys alone.

#include <cstdint>
#include <functional>

#include "formats/config_fields.h"
#include "formats/model_config.h"

namespace iteralign {

// The key sliding_window: `otherwise` where it is missing; 0, no windows, where it is null.
std::int64_t sliding_window(const Fields& fields, std::int64_t otherwise);

void set_windows(ModelConfig& config, std::int64_t window);
// The layers that the list layer_types names, or that `windowed` says where there is no list. With a window of 0 nothing.
void set_windows(const Fields& fields, ModelConfig& config, std::int64_t window, const std::function<bool(std::int64_t layer)>& windowed);

std::int64_t largest_window(const ModelConfig& config);  // 0: none

}  // namespace iteralign
