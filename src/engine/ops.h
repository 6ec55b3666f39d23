#pragma once
// The small operators of a decoder, each differentiable while GradMode is on and a fused kernel on the CPU while it is off.

#include <ATen/ATen.h>

namespace iteralign {

// Off: plain LibTorch operators everywhere (`engine.kernels: reference`). Process-wide, default on.
void set_fused_kernels(bool on);
bool fused_kernels();

// True when a fused forward kernel may run for x: on the CPU, fp32 or bf16, nothing to differentiate.
bool use_kernel(const at::Tensor& x);

// x / sqrt(mean(x^2) + eps) in fp32, rounded to x's dtype, times weight (the order of Llama). x: [n, dim], weight: [dim].
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// Rotary embedding, Hugging Face layout: dimension k is turned with k + dim/2.
// x: [n, heads, dim] (heads may be strided), cosine and sine: [n, dim/2] fp32.
at::Tensor rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

// silu(gate) * up. gate_up: [n, 2 * dim], gate first -> [n, dim].
at::Tensor swiglu(const at::Tensor& gate_up);

}  // namespace iteralign
