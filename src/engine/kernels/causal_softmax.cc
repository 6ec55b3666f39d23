#include "engine/kernels/causal_softmax.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/simd.h"

namespace iteralign::kernels {
namespace {

// The keys that a row sees: [begin, end).
struct Seen {
  std::int64_t begin, end;
};
ITERALIGN_INLINE Seen seen(const CausalBlock& block, std::int64_t row) {
  const std::int64_t position = block.first + row / block.heads;
  return {block.window > 0 && position - block.window + 1 > 0 ? position - block.window + 1 : 0, position + 1};
}

}  // namespace

ITERALIGN_MULTIVERSION void causal_softmax(const CausalBlock& block, float* scores, float* log_sums, std::int64_t stride) {
  for (std::int64_t r = 0; r < block.positions * block.heads; ++r, scores += block.keys) {
    const auto [begin, end] = seen(block, r);
    float largest = scores[begin];
#pragma omp simd reduction(max : largest)
    for (std::int64_t i = begin; i < end; ++i) largest = largest < scores[i] ? scores[i] : largest;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = begin; i < end; ++i) {
      scores[i] = fast_exp((scores[i] - largest) * block.scale);
      sum += scores[i];
    }
    const float inverse = 1.0f / sum;
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) scores[i] *= inverse;
    std::fill(scores, scores + begin, 0.0f);
    std::fill(scores + end, scores + block.keys, 0.0f);
    log_sums[(r / block.heads) * stride + r % block.heads] = std::log(sum) + largest * block.scale;
  }
}

ITERALIGN_MULTIVERSION void causal_softmax_backward(const CausalBlock& block, float* scores, float* dprobabilities, const float* log_sums,
                                                    const float* deltas, std::int64_t stride) {
  for (std::int64_t r = 0; r < block.positions * block.heads; ++r, scores += block.keys, dprobabilities += block.keys) {
    const auto [begin, end] = seen(block, r);
    const std::int64_t at = (r / block.heads) * stride + r % block.heads;
    const float log_sum = log_sums[at], delta = deltas[at], scale = block.scale;
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      const float p = fast_exp(scores[i] * scale - log_sum);
      scores[i] = p;
      dprobabilities[i] = p * (dprobabilities[i] - delta) * scale;
    }
    std::fill(scores, scores + begin, 0.0f);
    std::fill(dprobabilities, dprobabilities + begin, 0.0f);
    std::fill(scores + end, scores + block.keys, 0.0f);
    std::fill(dprobabilities + end, dprobabilities + block.keys, 0.0f);
  }
}

}  // namespace iteralign::kernels
