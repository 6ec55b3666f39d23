#pragma once
// The rotary position embedding (Su et al. 2021).

#include <ATen/ATen.h>

#include "engine/operators/operators.h"
#include "formats/model_config.h"

namespace iteralign {

// How far each row is turned: [n, dim / 2] each, fp32 (fp64 in a float64 model). Undefined: not at all.
struct Rotation {
  at::Tensor cosine, sine;
};

// x turned, [n, heads, dim]: of the dimensions that turn the first half with the second; those behind them stay. Without a rotation: x.
at::Tensor turn(const Operators& operators, const at::Tensor& x, const Rotation& rotation);

class Rope {
 public:
  // `dtype`: of the model. Angles are fp32 in any case, as in transformers; a float64 model takes their cosine in float64.
  Rope(const RopeConfig& config, at::Device device, at::ScalarType dtype);

  // Of the rows of the context. Only longrope asks for the lengths of their sequences.
  [[nodiscard]] Rotation of(const AttentionContext& context) const;
  // Whether sequences of these lengths are turned alike: longrope turns long ones differently from their first token on.
  [[nodiscard]] bool is_alike(std::int64_t length, std::int64_t other) const {
    return !long_inverse_frequencies_.defined() || (length > original_length_) == (other > original_length_);
  }

 private:
  at::Tensor inverse_frequencies_, long_inverse_frequencies_;  // [dim / 2] fp32; the second for longrope only
  std::int64_t original_length_;
  double attention_factor_;
  at::ScalarType cosine_type_;
};

// [dim / 2] fp32: theta^(-2k / dim), with the scaling that the configuration asks for:
//   linear    divided by the factor;
//   llama3    short waves stay, long ones are divided by the factor, those in between go over smoothly (Llama 3.1);
//   yarn      the same by a ramp over the dimensions (Peng et al. 2023);
//   longrope  each divided by a factor of its own (Ding et al. 2024), the short or the long ones.
at::Tensor rope_inverse_frequencies(const RopeConfig& config, bool long_sequence = false);

}  // namespace iteralign
