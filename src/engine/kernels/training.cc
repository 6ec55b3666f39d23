#include "engine/kernels/training.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "engine/kernels/element_type.h"
#include "engine/kernels/simd.h"

namespace iteralign::kernels {
namespace {

// Sums over rows are made block by block, and the blocks do not depend on the number of threads.
constexpr std::int64_t kRowsPerBlock = 64;

// With s = 1 / sqrt(mean(x^2) + eps), h = x s, g = dy w:  dx = s (g - h mean(g h)),  dw += dy h.
template <class T>
ITERALIGN_INLINE void rms_norm_backward_row(const T* dy, const T* x, const float* weight, T* dx, float* dw, std::int64_t n, float eps) {
  float squares = 0, product = 0;
#pragma omp simd reduction(+ : squares, product)
  for (std::int64_t i = 0; i < n; ++i) {
    squares += to_float(x[i]) * to_float(x[i]);
    product += to_float(dy[i]) * weight[i] * to_float(x[i]);
  }
  const float s = 1.0f / std::sqrt(squares / static_cast<float>(n) + eps);
  const float pull = product * s * s / static_cast<float>(n);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) dx[i] = round_to<T>(s * (to_float(dy[i]) * weight[i] - to_float(x[i]) * pull));
  if (dw == nullptr) return;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) dw[i] += to_float(dy[i]) * to_float(x[i]) * s;
}

ITERALIGN_MULTIVERSION void rms_norm_backward_rows(const float* dy, const float* x, const float* weight, float* dx, float* dw,
                                                   std::int64_t rows, std::int64_t n, float eps) {
  for (std::int64_t r = 0; r < rows; ++r) rms_norm_backward_row(dy + r * n, x + r * n, weight, dx + r * n, dw, n, eps);
}
ITERALIGN_MULTIVERSION void rms_norm_backward_rows(const BFloat16* dy, const BFloat16* x, const float* weight, BFloat16* dx, float* dw,
                                                   std::int64_t rows, std::int64_t n, float eps) {
  for (std::int64_t r = 0; r < rows; ++r) rms_norm_backward_row(dy + r * n, x + r * n, weight, dx + r * n, dw, n, eps);
}

template <class T>
ITERALIGN_INLINE void swiglu_backward_row(const T* dy, const T* gate, const T* up, T* dgate, T* dup, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = to_float(gate[i]), u = to_float(up[i]), d = to_float(dy[i]);
    const float sigmoid = 1.0f / (1.0f + fast_exp(g < -80.0f ? 80.0f : -g));
    dup[i] = round_to<T>(d * g * sigmoid);
    dgate[i] = round_to<T>(d * u * sigmoid * (1.0f + g * (1.0f - sigmoid)));
  }
}

ITERALIGN_MULTIVERSION void swiglu_backward_rows(const float* dy, const float* gate_up, float* out, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, dy += n, gate_up += 2 * n, out += 2 * n)
    swiglu_backward_row(dy, gate_up, gate_up + n, out, out + n, n);
}
ITERALIGN_MULTIVERSION void swiglu_backward_rows(const BFloat16* dy, const BFloat16* gate_up, BFloat16* out, std::int64_t rows,
                                                 std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, dy += n, gate_up += 2 * n, out += 2 * n)
    swiglu_backward_row(dy, gate_up, gate_up + n, out, out + n, n);
}

// The exponentials are computed twice, for storing them would cost more (and precision in bf16).
template <class T>
ITERALIGN_INLINE float cross_entropy_row(T* logits, std::int64_t target, std::int64_t n, float scale) {
  float largest = to_float(logits[0]);
#pragma omp simd reduction(max : largest)
  for (std::int64_t i = 0; i < n; ++i) largest = largest < to_float(logits[i]) ? to_float(logits[i]) : largest;
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += 1024) {  // short fp32 sums, for 50,000 terms would lose digits
    float sum = 0;
    const std::int64_t end = begin + 1024 < n ? begin + 1024 : n;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = begin; i < end; ++i) sum += fast_exp(to_float(logits[i]) - largest);
    total += sum;
  }
  const float loss = static_cast<float>(std::log(total)) + largest - to_float(logits[target]);
  const float factor = scale / static_cast<float>(total);
  const float at_target = fast_exp(to_float(logits[target]) - largest) * factor - scale;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) logits[i] = round_to<T>(fast_exp(to_float(logits[i]) - largest) * factor);
  logits[target] = round_to<T>(at_target);
  return loss;
}

ITERALIGN_MULTIVERSION void cross_entropy_rows(float* logits, const std::int64_t* targets, float* losses, std::int64_t rows, std::int64_t n,
                                               float scale) {
  for (std::int64_t r = 0; r < rows; ++r) losses[r] = cross_entropy_row(logits + r * n, targets[r], n, scale);
}
ITERALIGN_MULTIVERSION void cross_entropy_rows(BFloat16* logits, const std::int64_t* targets, float* losses, std::int64_t rows,
                                               std::int64_t n, float scale) {
  for (std::int64_t r = 0; r < rows; ++r) losses[r] = cross_entropy_row(logits + r * n, targets[r], n, scale);
}

}  // namespace

std::pair<at::Tensor, at::Tensor> rms_norm_backward(const at::Tensor& dy_any, const at::Tensor& x, const at::Tensor& weight, double eps,
                                                    bool want_weight) {
  const at::Tensor dy = dy_any.contiguous();
  at::Tensor dx = at::empty_like(x);
  const std::int64_t n = x.size(-1), rows = x.numel() / n, blocks = (rows + kRowsPerBlock - 1) / kRowsPerBlock;
  const at::Tensor sums = want_weight ? at::zeros({blocks, n}, weight.options()) : at::Tensor();
  by_type(x, [&]<class T>(T) {
    at::parallel_for(0, blocks, 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t block = first; block < last; ++block) {
        const std::int64_t begin = block * kRowsPerBlock, end = std::min(rows, begin + kRowsPerBlock);
        rms_norm_backward_rows(data<T>(dy) + begin * n, data<T>(x) + begin * n, data<float>(weight), mutable_data<T>(dx) + begin * n,
                               want_weight ? mutable_data<float>(sums) + block * n : nullptr, end - begin, n, static_cast<float>(eps));
      }
    });
  });
  return {dx, want_weight ? sums.sum(0) : at::Tensor()};
}

at::Tensor swiglu_backward(const at::Tensor& dy_any, const at::Tensor& gate_up) {
  const at::Tensor dy = dy_any.contiguous();
  at::Tensor out = at::empty_like(gate_up);
  const std::int64_t rows = dy.size(0), n = dy.size(1);
  by_type(dy, [&]<class T>(T) {
    at::parallel_for(0, rows, std::max<std::int64_t>(1, (1 << 13) / n), [&](std::int64_t begin, std::int64_t end) {
      swiglu_backward_rows(data<T>(dy) + begin * n, data<T>(gate_up) + 2 * begin * n, mutable_data<T>(out) + 2 * begin * n, end - begin, n);
    });
  });
  return out;
}

at::Tensor cross_entropy_(at::Tensor& logits, const at::Tensor& targets, double scale) {
  const std::int64_t rows = logits.size(0), n = logits.size(1);
  at::Tensor losses = at::empty({rows}, logits.options().dtype(at::kFloat));
  by_type(logits, [&]<class T>(T) {
    at::parallel_for(0, rows, std::max<std::int64_t>(1, (1 << 13) / n), [&](std::int64_t begin, std::int64_t end) {
      cross_entropy_rows(mutable_data<T>(logits) + begin * n, data<std::int64_t>(targets) + begin, mutable_data<float>(losses) + begin,
                         end - begin, n, static_cast<float>(scale));
    });
  });
  return losses;
}

}  // namespace iteralign::kernels
