#include "engine/kernels/decode_attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/simd.h"

namespace iteralign::kernels {
namespace {

// One query head over `length` keys and values of its sequence. scores: room for `length` numbers.
template <class T>
ITERALIGN_INLINE void attend_head(const T* q, const T* keys, const T* values, std::int64_t length, std::int64_t dim, float scale,
                                  float* scores, float* sum, T* out) {
  float largest = -INFINITY;
  for (std::int64_t t = 0; t < length; ++t) {
    const T* key = keys + t * dim;
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (std::int64_t d = 0; d < dim; ++d) dot += to_float(q[d]) * to_float(key[d]);
    scores[t] = dot * scale;
    largest = std::max(largest, scores[t]);
  }
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (std::int64_t t = 0; t < length; ++t) {
    scores[t] = fast_exp(scores[t] - largest);
    total += scores[t];
  }
  for (std::int64_t d = 0; d < dim; ++d) sum[d] = 0;
  for (std::int64_t t = 0; t < length; ++t) {
    const T* value = values + t * dim;
    const float weight = scores[t];
#pragma omp simd
    for (std::int64_t d = 0; d < dim; ++d) sum[d] += weight * to_float(value[d]);
  }
#pragma omp simd
  for (std::int64_t d = 0; d < dim; ++d) out[d] = round_to<T>(sum[d] / total);
}

// All query heads that share one key/value head.
template <class T>
ITERALIGN_INLINE void attend_group_any(const T* q, const T* keys, const T* values, std::int64_t group, std::int64_t length,
                                       std::int64_t dim, float scale, float* scores, float* sum, T* out) {
  for (std::int64_t g = 0; g < group; ++g) attend_head(q + g * dim, keys, values, length, dim, scale, scores, sum, out + g * dim);
}

ITERALIGN_MULTIVERSION void attend_group(const float* q, const float* keys, const float* values, std::int64_t group, std::int64_t length,
                                         std::int64_t dim, float scale, float* scores, float* sum, float* out) {
  if (dim == 64) return attend_group_any(q, keys, values, group, length, 64, scale, scores, sum, out);  // a constant unrolls
  attend_group_any(q, keys, values, group, length, dim, scale, scores, sum, out);
}
ITERALIGN_MULTIVERSION void attend_group(const BFloat16* q, const BFloat16* keys, const BFloat16* values, std::int64_t group,
                                         std::int64_t length, std::int64_t dim, float scale, float* scores, float* sum, BFloat16* out) {
  attend_group_any(q, keys, values, group, length, dim, scale, scores, sum, out);
}

template <class T>
void decode(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, std::span<const std::int64_t> lengths,
            std::int64_t window, at::Tensor& out) {
  const std::int64_t slots = q.size(0), heads = q.size(1), dim = q.size(2), kv_heads = keys.size(1), max_length = keys.size(2);
  const std::int64_t group = heads / kv_heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  const T* q_data = static_cast<const T*>(q.const_data_ptr());
  const T* k_data = static_cast<const T*>(keys.const_data_ptr());
  const T* v_data = static_cast<const T*>(values.const_data_ptr());
  T* out_data = static_cast<T*>(out.mutable_data_ptr());
  at::parallel_for(0, slots * kv_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(static_cast<std::size_t>(max_length)), sum(static_cast<std::size_t>(dim));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t slot = i / kv_heads, length = lengths[static_cast<std::size_t>(slot)];
      if (length == 0) continue;
      const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, length - window) : 0;
      const std::int64_t head = slot * heads + (i % kv_heads) * group, cache = (i * max_length + first) * dim;
      attend_group(q_data + head * dim, k_data + cache, v_data + cache, group, length - first, dim, scale, scores.data(), sum.data(),
                   out_data + head * dim);
    }
  });
}

}  // namespace

at::Tensor decode_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, std::span<const std::int64_t> lengths,
                            std::int64_t window) {
  at::Tensor out = at::zeros({q.size(0), q.size(1) * q.size(2)}, q.options());
  if (q.scalar_type() == at::kFloat) {
    decode<float>(q, keys, values, lengths, window, out);
  } else {
    decode<BFloat16>(q, keys, values, lengths, window, out);
  }
  return out;
}

}  // namespace iteralign::kernels
