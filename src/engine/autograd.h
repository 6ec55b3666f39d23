#pragma once
// Differentiable operators with hand-written backward passes, used while training.

#include <ATen/ATen.h>

namespace iteralign {

class Linear;

// The product of `linear` while training, differentiable in x, in the LoRA factors and in those weights and biases that
// require a gradient. x: [n, in] -> [n, out]. Called by Linear::forward while set_training(true).
at::Tensor training_linear(const at::Tensor& x, const Linear& linear);

}  // namespace iteralign
