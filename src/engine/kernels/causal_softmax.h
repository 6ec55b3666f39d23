#pragma once
// The soft-max of causal attention on a block of scores, forward and backward. fp32.

#include <cstdint>

namespace iteralign::kernels {

// A block of scores q k^T, [positions * heads, keys] contiguous: row r belongs to position first + r / heads and sees the
// keys up to that position (with window > 0 only the last `window` of them).
struct CausalBlock {
  std::int64_t first, positions, heads, keys, window;
  float scale;
};

// scores -> soft-max(scale * scores). The log-sum-exp of row r goes to log_sums[(r / heads) * stride + r % heads].
void causal_softmax(const CausalBlock& block, float* scores, float* log_sums, std::int64_t stride);

// scores -> the probabilities P; dprobabilities (dO v^T) -> scale * P * (dP - delta), the gradient of q k^T.
// log_sums and deltas (dO . O) of row r at [(r / heads) * stride + r % heads].
void causal_softmax_backward(const CausalBlock& block, float* scores, float* dprobabilities, const float* log_sums, const float* deltas,
                             std::int64_t stride);

}  // namespace iteralign::kernels
