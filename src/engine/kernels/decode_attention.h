#pragma once
// Attention of one new token a sequence over that sequence's own cached keys and values.

#include <ATen/ATen.h>

#include <cstdint>
#include <span>

#include "engine/kernels/attention_rule.h"

namespace iteralign::kernels {

// q: [rows, heads, dim]; k, v: [rows, kv_heads, dim] of the new tokens (rows may be strided), which are written into the
// cache: keys, values [slots, kv_heads, max_length, dim]. Row r belongs to slots[r], which holds lengths[r] tokens
// already; rows beyond slots.size() are padding and give zeros.
// -> [rows, heads * dim]. CPU, fp32 or bf16. The result of a row depends on its slot alone, bit for bit.
at::Tensor decode_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& keys, const at::Tensor& values,
                            std::span<const std::int64_t> slots, std::span<const std::int64_t> lengths, const AttentionRule& rule);

}  // namespace iteralign::kernels
