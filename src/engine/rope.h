#pragma once
// The frequencies of the rotary position embedding (Su et al. 2021).

#include <ATen/ATen.h>

#include "engine/files/model_config.h"

namespace iteralign {

// [head_dim / 2] fp32: theta^(-2k / head_dim), with the scaling that the configuration asks for. `llama3` leaves short
// waves as they are, divides the frequency of long ones by the factor and goes over smoothly in between (Llama 3.1).
at::Tensor rope_inverse_frequencies(const ModelConfig& config);

}  // namespace iteralign
