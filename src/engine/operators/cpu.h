#pragma once
// Fused kernels on the CPU, fp32 and bf16; while GradMode is on with their own backward passes. What each computes: operators.h.

#include "engine/operators/operators.h"

namespace iteralign::cpu {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last);  // weight: fp32
at::Tensor rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor gated(const at::Tensor& gate_up, Activation activation);
// The probabilities are never kept: they are computed again, a block of queries at a time.
at::Tensor causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::vector<std::int64_t>& lengths,
                            const AttentionRule& rule);
// Not differentiable.
at::Tensor decode_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& keys, const at::Tensor& values,
                            const DecodeRows& rows, const AttentionRule& rule);
at::Tensor cross_entropy_(at::Tensor& logits, const at::Tensor& targets, double scale);

}  // namespace iteralign::cpu
