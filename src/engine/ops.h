#pragma once
// The small operators of a decoder, each differentiable while GradMode is on and a fused kernel on the CPU while it is off.

#include <ATen/ATen.h>

#include "engine/rope.h"

namespace iteralign {

// Off: plain LibTorch operators everywhere (`engine.kernels: reference`). Process-wide, default on.
void set_fused_kernels(bool on);
bool fused_kernels();

// True when a fused forward kernel may run for x: on the CPU, fp32 or bf16, nothing to differentiate.
bool use_kernel(const at::Tensor& x);

// x / sqrt(mean(x^2) + eps) * weight, the first factor in fp32. x: [n, dim], weight: [dim]. `rounds_last`: rounded to x's dtype
// after the weight (Gemma, OLMo 2), not before (Llama).
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last = false);

// Rotary embedding, Hugging Face layout: of the turned dimensions the first half turns with the second; those behind stay.
// x: [n, heads, dim] (heads may be strided). Without a rotation: x.
at::Tensor rope(const at::Tensor& x, const Rotation& rotation);

// activation(gate) * up. gate_up: [n, 2 * dim], gate first -> [n, dim].
at::Tensor gated(const at::Tensor& gate_up, Activation activation);

// cap * tanh(x / cap); x where cap is 0.
at::Tensor softcap(const at::Tensor& x, double cap);

}  // namespace iteralign
