#pragma once
// Attention of one new token a sequence over that sequence's own cached keys and values.

#include <ATen/ATen.h>

#include <cstdint>
#include <span>

namespace iteralign::kernels {

// q: [slots, heads, dim]; keys, values: [slots, kv_heads, max_length, dim]; lengths[s]: tokens in the cache, the new one
// included; 0: the slot is empty and its result zero. window > 0: the last `window` tokens only. -> [slots, heads * dim].
// CPU, fp32 or bf16, contiguous. The result of a slot depends on that slot alone, bit for bit.
at::Tensor decode_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, std::span<const std::int64_t> lengths,
                            std::int64_t window);

}  // namespace iteralign::kernels
