#include "engine/kernels/decode_attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/simd.h"

namespace iteralign::kernels {
namespace {

struct Weighing {
  float scale;
  float softcap;  // 0: off
};

// One query head over `length` keys and values of its sequence. scores: room for `length` numbers.
template <class T>
ITERALIGN_INLINE void attend_head(const T* q, const T* keys, const T* values, std::int64_t length, std::int64_t dim, Weighing weighing,
                                  float* scores, float* sum, T* out) {
  for (std::int64_t t = 0; t < length; ++t) {
    const T* key = keys + t * dim;
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (std::int64_t d = 0; d < dim; ++d) dot += to_float(q[d]) * to_float(key[d]);
    scores[t] = dot * weighing.scale;
  }
  if (weighing.softcap > 0) {
    for (std::int64_t t = 0; t < length; ++t) scores[t] = weighing.softcap * std::tanh(scores[t] / weighing.softcap);
  }
  float largest = scores[0];
#pragma omp simd reduction(max : largest)
  for (std::int64_t t = 0; t < length; ++t) largest = largest < scores[t] ? scores[t] : largest;
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
                                       std::int64_t dim, Weighing weighing, float* scores, float* sum, T* out) {
  for (std::int64_t g = 0; g < group; ++g) attend_head(q + g * dim, keys, values, length, dim, weighing, scores, sum, out + g * dim);
}

ITERALIGN_MULTIVERSION void attend_group(const float* q, const float* keys, const float* values, std::int64_t group, std::int64_t length,
                                         std::int64_t dim, Weighing weighing, float* scores, float* sum, float* out) {
  if (dim == 64) return attend_group_any(q, keys, values, group, length, 64, weighing, scores, sum, out);  // a constant unrolls
  attend_group_any(q, keys, values, group, length, dim, weighing, scores, sum, out);
}
ITERALIGN_MULTIVERSION void attend_group(const BFloat16* q, const BFloat16* keys, const BFloat16* values, std::int64_t group,
                                         std::int64_t length, std::int64_t dim, Weighing weighing, float* scores, float* sum,
                                         BFloat16* out) {
  attend_group_any(q, keys, values, group, length, dim, weighing, scores, sum, out);
}

// What the loop over (row, key/value head) needs of its tensors.
template <class T>
struct View {
  T* data;
  std::int64_t stride;  // from row to row, or from slot to slot
  explicit View(const at::Tensor& x) : data(static_cast<T*>(x.data_ptr())), stride(x.stride(0)) {}
  T* row(std::int64_t r) const { return data + r * stride; }
};

template <class T>
void decode(const View<T>& q, const View<T>& k, const View<T>& v, const View<T>& keys, const View<T>& values, const View<T>& out,
            std::int64_t kv_heads, std::int64_t group, std::int64_t dim, std::int64_t max_length, std::span<const std::int64_t> slots,
            std::span<const std::int64_t> lengths, const AttentionRule& rule) {
  const Weighing weighing = {static_cast<float>(rule.scale), static_cast<float>(rule.softcap)};
  at::parallel_for(0, static_cast<std::int64_t>(slots.size()) * kv_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(static_cast<std::size_t>(max_length)), sum(static_cast<std::size_t>(dim));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = i / kv_heads, head = i % kv_heads, slot = slots[static_cast<std::size_t>(row)];
      const std::int64_t length = lengths[static_cast<std::size_t>(row)] + 1;
      T* head_keys = keys.row(slot) + head * max_length * dim;
      T* head_values = values.row(slot) + head * max_length * dim;
      std::copy_n(k.row(row) + head * dim, dim, head_keys + (length - 1) * dim);
      std::copy_n(v.row(row) + head * dim, dim, head_values + (length - 1) * dim);
      const std::int64_t first = rule.window > 0 ? std::max<std::int64_t>(0, length - rule.window) : 0;
      attend_group(q.row(row) + head * group * dim, head_keys + first * dim, head_values + first * dim, group, length - first, dim,
                   weighing, scores.data(), sum.data(), out.row(row) + head * group * dim);
    }
  });
}

}  // namespace

at::Tensor decode_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& keys, const at::Tensor& values,
                            std::span<const std::int64_t> slots, std::span<const std::int64_t> lengths, const AttentionRule& rule) {
  const std::int64_t rows = q.size(0), heads = q.size(1), dim = q.size(2), kv_heads = keys.size(1), max_length = keys.size(2);
  const auto running = static_cast<std::int64_t>(slots.size());
  const at::Tensor out = at::empty({rows, heads * dim}, q.options());
  if (running < rows) out.narrow(0, running, rows - running).zero_();
  const auto run = [&]<class T>(T) {
    decode<T>(View<T>(q), View<T>(k), View<T>(v), View<T>(keys), View<T>(values), View<T>(out), kv_heads, heads / kv_heads, dim, max_length,
              slots, lengths, rule);
  };
  q.scalar_type() == at::kFloat ? run(float{}) : run(BFloat16{});
  return out;
}

}  // namespace iteralign::kernels
