#include "engine/attention.h"

#include <cmath>

namespace iteralign {

at::Tensor causal_mask(std::int64_t first, std::int64_t queries, std::int64_t keys, std::int64_t window, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kLong).device(device);
  const at::Tensor query = at::arange(first, first + queries, options).unsqueeze(1), key = at::arange(keys, options).unsqueeze(0);
  at::Tensor allowed = key <= query;
  return window > 0 ? allowed.logical_and(key > query - window) : allowed;
}

BatchAttention::BatchAttention(std::int64_t batch, std::int64_t length, at::Device device)
    : batch_(batch), length_(length), positions_(at::arange(length, at::TensorOptions().dtype(at::kLong).device(device)).repeat({batch})) {}

at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& allowed,
                           const AttentionRule& rule) {
  if (rule.softcap == 0) {
    return at::scaled_dot_product_attention(q, k, v, allowed, /*dropout_p=*/0.0, /*is_causal=*/!allowed, rule.scale, /*enable_gqa=*/true);
  }
  const std::int64_t group = q.size(1) / k.size(1);
  const at::Tensor keys = k.repeat_interleave(group, 1), values = v.repeat_interleave(group, 1);
  const at::Tensor scores = at::tanh(q.matmul(keys.transpose(2, 3)) * (rule.scale / rule.softcap)) * rule.softcap;
  const at::Tensor seen = allowed ? *allowed : causal_mask(0, q.size(2), k.size(2), 0, q.device());
  return at::softmax(scores.masked_fill(seen.logical_not(), -INFINITY), -1, q.scalar_type() == at::kDouble ? at::kDouble : at::kFloat)
      .to(q.scalar_type())
      .matmul(values);
}

at::Tensor batch_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t batch, const AttentionRule& rule) {
  const std::int64_t length = q.size(0) / batch;
  // [n, heads, dim] -> [batch, heads, length, dim]
  const auto split = [&](const at::Tensor& x) { return x.reshape({batch, length, x.size(1), x.size(2)}).transpose(1, 2); };
  const bool windowed = rule.window > 0 && rule.window < length;
  const auto mask = windowed ? std::optional<at::Tensor>(causal_mask(0, length, length, rule.window, q.device())) : std::nullopt;
  const at::Tensor out = plain_attention(split(q), split(k), split(v), mask, rule);
  return out.transpose(1, 2).reshape({batch * length, -1});
}

at::Tensor BatchAttention::attend(int /*layer*/, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule) {
  return batch_attention(q, k, v, batch_, rule);
}

}  // namespace iteralign
