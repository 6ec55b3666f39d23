#include "engine/attention.h"

namespace iteralign {

at::Tensor causal_mask(std::int64_t first, std::int64_t queries, std::int64_t keys, std::int64_t window, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kLong).device(device);
  const at::Tensor query = at::arange(first, first + queries, options).unsqueeze(1), key = at::arange(keys, options).unsqueeze(0);
  at::Tensor allowed = key <= query;
  return window > 0 ? allowed.logical_and(key > query - window) : allowed;
}

BatchAttention::BatchAttention(std::int64_t batch, std::int64_t length, at::Device device)
    : batch_(batch), length_(length), positions_(at::arange(length, at::TensorOptions().dtype(at::kLong).device(device)).repeat({batch})) {}

at::Tensor BatchAttention::attend(int /*layer*/, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) {
  // [n, heads, dim] -> [batch, heads, length, dim]
  const auto split = [&](const at::Tensor& x) { return x.reshape({batch_, length_, x.size(1), x.size(2)}).transpose(1, 2); };
  const bool windowed = window > 0 && window < length_;
  const auto mask = windowed ? std::optional<at::Tensor>(causal_mask(0, length_, length_, window, q.device())) : std::nullopt;
  const at::Tensor out = at::scaled_dot_product_attention(split(q), split(k), split(v), mask, /*dropout_p=*/0.0, /*is_causal=*/!windowed,
                                                          /*scale=*/std::nullopt, /*enable_gqa=*/true);
  return out.transpose(1, 2).reshape({batch_ * length_, -1});
}

}  // namespace iteralign
