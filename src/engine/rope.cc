#include "engine/rope.h"

namespace iteralign {

at::Tensor rope_inverse_frequencies(const ModelConfig& config) {
  const at::Tensor exponent = at::arange(0, config.head_dim, 2, at::kLong).to(at::kFloat) / static_cast<double>(config.head_dim);
  const at::Tensor frequency = at::reciprocal(at::pow(config.rope_theta, exponent));
  if (config.rope_scaling == RopeScaling::none) return frequency;
  const at::Tensor divided = frequency / config.rope_factor;
  if (config.rope_scaling == RopeScaling::linear) return divided;

  const double length = static_cast<double>(config.rope_original_max_position_embeddings);
  const double low = config.rope_low_freq_factor, high = config.rope_high_freq_factor;
  const at::Tensor wavelength = 2 * 3.141592653589793 / frequency;
  const at::Tensor smooth = (length / wavelength - low) / (high - low);
  const at::Tensor between = (1 - smooth) * divided + smooth * frequency;
  return at::where(wavelength < length / high, frequency, at::where(wavelength > length / low, divided, between));
}

}  // namespace iteralign
