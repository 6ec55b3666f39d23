#pragma once
// Attention over a padded batch. (Generation: kv_cache.h; training: training_attention.h; scoring: tree_attention.h.)

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

#include "engine/kernels/attention_rule.h"

namespace iteralign {

// What a layer needs to know of the sequences that its rows belong to.
class AttentionContext {
 public:
  virtual ~AttentionContext() = default;

  // Position of each row in its sequence, and the tokens of that sequence: [n] int64.
  [[nodiscard]] virtual const at::Tensor& positions() const = 0;
  [[nodiscard]] virtual at::Tensor lengths() const = 0;

  // Causal attention of one layer, queries and keys already rotated. q: [n, heads, dim], k, v: [n, kv_heads, dim] -> [n, heads * dim].
  virtual at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule) = 0;
};

// Sequences padded at the end to one length; the n = batch * length rows are theirs in order. What comes after a row is
// never seen by it, so padding needs no mask. Differentiable.
class BatchAttention : public AttentionContext {
 public:
  BatchAttention(std::int64_t batch, std::int64_t length, at::Device device);
  [[nodiscard]] const at::Tensor& positions() const override { return positions_; }
  [[nodiscard]] at::Tensor lengths() const override { return at::full_like(positions_, length_); }
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule) override;

 private:
  std::int64_t batch_, length_;
  at::Tensor positions_;
};

// What BatchAttention computes. q: [batch * length, heads, dim], k, v: [batch * length, kv_heads, dim].
at::Tensor batch_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t batch, const AttentionRule& rule);

// Allowed pairs of queries at `first`, first + 1, ... and keys at 0, 1, ...: [queries, keys] bool.
at::Tensor causal_mask(std::int64_t first, std::int64_t queries, std::int64_t keys, std::int64_t window, at::Device device);

// Attention in plain operators. q: [batch, heads, queries, dim], k, v: [batch, kv_heads, keys, dim] -> as q. `allowed`: pairs that
// may see each other, broadcast to [batch, heads, queries, keys]; without it causal, queries and keys at the same places.
at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& allowed,
                           const AttentionRule& rule);

}  // namespace iteralign
