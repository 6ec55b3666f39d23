#pragma once
// Attention over a padded batch, as training and scoring use it. (Generation: kv_cache.h.)

#include <ATen/ATen.h>

#include <cstdint>

namespace iteralign {

// What a layer needs to know of the sequences that its rows belong to.
class AttentionContext {
 public:
  virtual ~AttentionContext() = default;

  // Position of each row in its sequence: [n] int64.
  [[nodiscard]] virtual const at::Tensor& positions() const = 0;

  // Causal attention of one layer, queries and keys already rotated. q: [n, heads, dim], k, v: [n, kv_heads, dim] -> [n, heads * dim].
  // window > 0: a query sees that many keys, itself included.
  virtual at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) = 0;
};

// Sequences padded at the end to one length; the n = batch * length rows are theirs in order. What comes after a row is
// never seen by it, so padding needs no mask. Differentiable.
class BatchAttention : public AttentionContext {
 public:
  BatchAttention(std::int64_t batch, std::int64_t length, at::Device device);
  [[nodiscard]] const at::Tensor& positions() const override { return positions_; }
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) override;

 private:
  std::int64_t batch_, length_;
  at::Tensor positions_;
};

// Allowed pairs of queries at `first`, first + 1, ... and keys at 0, 1, ...: [queries, keys] bool.
at::Tensor causal_mask(std::int64_t first, std::int64_t queries, std::int64_t keys, std::int64_t window, at::Device device);

}  // namespace iteralign
