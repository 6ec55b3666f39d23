#pragma once
// Weights of any floating-point type as float32.

#include <string>
#include <vector>

#include "formats/safetensors.h"

namespace iteralign {

// Row-major. Error data, naming `name`, for integers.
std::vector<float> to_floats(const TensorView& view, const std::string& name);

}  // namespace iteralign
