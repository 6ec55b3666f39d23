#pragma once
// Differentiable operators with hand-written backward passes, used while training.
// They keep for the backward pass only what cannot be computed again cheaply, and compute no gradient that nobody wants.

#include <ATen/ATen.h>

#include <functional>

namespace iteralign {

class Linear;

// The product of `linear` while training, differentiable in x, in the LoRA factors and in those weights and biases that
// require a gradient. x: [n, in] -> [n, out]. Called by Linear::forward while training.
at::Tensor training_linear(const at::Tensor& x, const Linear& linear);
// The same in plain operators.
at::Tensor reference_linear(const at::Tensor& x, const Linear& linear);

// The operators of ops.h on fused kernels, forward and backward: CPU, fp32 or bf16.
at::Tensor training_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last = false);
at::Tensor training_rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor training_swiglu(const at::Tensor& gate_up);

// scale * (sum of the soft-max cross-entropies of the rows), fp32. hidden: [m, hidden_size], targets: [m] int64. cap: softcap()
// of the logits.
// The logits exist for a few rows at a time only: the gradients are computed together with the loss.
at::Tensor training_cross_entropy(const at::Tensor& hidden, const at::Tensor& targets, const Linear& lm_head, double scale, double cap = 0);

// The cross-entropy of each row, [m] fp32, not differentiable; and scale * their sum weighted row by row (weights: [m] fp32),
// differentiable in hidden and in lm_head's weight but not in the weights.
at::Tensor token_losses(const at::Tensor& hidden, const at::Tensor& targets, const Linear& lm_head, double cap = 0);
at::Tensor training_weighted_cross_entropy(const at::Tensor& hidden, const at::Tensor& targets, const Linear& lm_head,
                                           const at::Tensor& weights, double cap = 0);

// run(x), of which nothing is kept but x: the backward pass computes it again. x must require a gradient.
at::Tensor checkpoint(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& run);

}  // namespace iteralign
