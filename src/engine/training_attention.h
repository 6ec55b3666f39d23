#pragma once
// Attention while training: sequences of different lengths lie one behind the other, without padding, so that no row is
// computed for nothing.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "engine/attention.h"

namespace iteralign {

class PackedAttention : public AttentionContext {
 public:
  PackedAttention(std::vector<std::int64_t> lengths, at::Device device);
  [[nodiscard]] const at::Tensor& positions() const override { return positions_; }
  // Differentiable. On the CPU the probabilities are never kept: they are computed again, a block of queries at a time.
  at::Tensor attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) override;

 private:
  [[nodiscard]] at::Tensor attend_plain(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) const;

  std::vector<std::int64_t> lengths_;
  at::Tensor positions_;
};

}  // namespace iteralign
