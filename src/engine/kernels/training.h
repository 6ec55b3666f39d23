#pragma once
// Fused backward passes on rows. CPU, fp32 or bf16, contiguous.

#include <ATen/ATen.h>

#include <utility>

namespace iteralign::kernels {

// d x, and d weight when it is wanted. dy, x: [n, dim]; weight: [dim] fp32.
std::pair<at::Tensor, at::Tensor> rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, double eps,
                                                    bool want_weight);

// dy: [n, dim], gate_up: [n, 2 * dim] -> d gate_up.
at::Tensor swiglu_backward(const at::Tensor& dy, const at::Tensor& gate_up);

// Soft-max cross-entropy of each row, [n] fp32; logits [n, vocabulary] become scale * d loss / d logits. targets: [n] int64.
at::Tensor cross_entropy_(at::Tensor& logits, const at::Tensor& targets, double scale);

}  // namespace iteralign::kernels
