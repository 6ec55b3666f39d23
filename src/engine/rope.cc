#include "engine/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace iteralign {
namespace {

at::Tensor llama3_frequencies(const RopeConfig& config, const at::Tensor& frequency) {
  const double length = static_cast<double>(config.original_max_position_embeddings);
  const double low = config.low_freq_factor, high = config.high_freq_factor;
  const at::Tensor divided = frequency / config.factor, wavelength = 2 * std::numbers::pi / frequency;
  const at::Tensor smooth = (length / wavelength - low) / (high - low);
  const at::Tensor between = (1 - smooth) * divided + smooth * frequency;
  return at::where(wavelength < length / high, frequency, at::where(wavelength > length / low, divided, between));
}

at::Tensor yarn_frequencies(const RopeConfig& config, const at::Tensor& powers) {
  const double dim = static_cast<double>(config.dim), length = static_cast<double>(config.original_max_position_embeddings);
  // The dimension whose wave turns so often within the original length.
  const auto dimension = [&](double turns) {
    return dim * std::log(length / (turns * 2 * std::numbers::pi)) / (2 * std::log(config.theta));
  };
  double low = dimension(config.beta_fast), high = dimension(config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;  // as transformers does
  const at::Tensor ramp = ((at::arange(config.dim / 2, at::kFloat) - low) / (high - low)).clamp(0, 1);
  const at::Tensor kept = 1 - ramp;  // step for step as in transformers: the last bits count
  return at::reciprocal(config.factor * powers) * (1 - kept) + at::reciprocal(powers) * kept;
}

}  // namespace

at::Tensor rope_inverse_frequencies(const RopeConfig& config, bool long_sequence) {
  const at::Tensor exponent = at::arange(0, config.dim, 2, at::kLong).to(at::kFloat) / static_cast<double>(config.dim);
  const at::Tensor powers = at::pow(config.theta, exponent), frequency = at::reciprocal(powers);
  switch (config.scaling) {
    case RopeScaling::none:
      return frequency;
    case RopeScaling::linear:
      return frequency / config.factor;
    case RopeScaling::llama3:
      return llama3_frequencies(config, frequency);
    case RopeScaling::yarn:
      return yarn_frequencies(config, powers);
    case RopeScaling::longrope:
      break;
  }
  return at::reciprocal(at::tensor(long_sequence ? config.long_factor : config.short_factor, at::kFloat) * powers);
}

at::Tensor turn(const Operators& operators, const at::Tensor& x, const Rotation& rotation) {
  const auto& [cosine, sine] = rotation;
  if (!cosine.defined()) return x;
  if (const std::int64_t turned = 2 * cosine.size(1); turned < x.size(2))
    return at::cat({turn(operators, x.narrow(2, 0, turned), rotation), x.narrow(2, turned, x.size(2) - turned)}, 2);
  return operators.rope(x, cosine, sine);
}

Rope::Rope(const RopeConfig& config, at::Device device, at::ScalarType dtype)
    : inverse_frequencies_(rope_inverse_frequencies(config).to(device)),
      original_length_(config.original_max_position_embeddings),
      attention_factor_(config.attention_factor),
      cosine_type_(dtype == at::kDouble ? at::kDouble : at::kFloat) {
  if (config.scaling == RopeScaling::longrope) long_inverse_frequencies_ = rope_inverse_frequencies(config, true).to(device);
}

Rotation Rope::of(const AttentionContext& context) const {
  const at::Tensor numbers = context.positions().to(at::kFloat);
  at::Tensor angles = at::outer(numbers, inverse_frequencies_);
  if (long_inverse_frequencies_.defined())
    angles = at::where((context.lengths() > original_length_).unsqueeze(1), at::outer(numbers, long_inverse_frequencies_), angles);
  angles = angles.to(cosine_type_);
  if (attention_factor_ == 1) return {angles.cos(), angles.sin()};
  return {angles.cos() * attention_factor_, angles.sin() * attention_factor_};
}

}  // namespace iteralign
