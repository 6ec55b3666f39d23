#include "engine/kernels/rows.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "engine/kernels/element_type.h"
#include "engine/kernels/simd.h"

namespace iteralign::kernels {
namespace {

constexpr std::int64_t kElementsPerTask = 1 << 14;  // less is not worth waking a thread for

std::int64_t rows_per_task(std::int64_t columns) {
  return std::max<std::int64_t>(1, kElementsPerTask / std::max<std::int64_t>(1, columns));
}

template <class T>
ITERALIGN_INLINE void rms_norm_row(const T* x, const float* weight, T* y, std::int64_t n, float eps, bool rounds_last) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += to_float(x[i]) * to_float(x[i]);
  const float scale = 1.0f / std::sqrt(sum / static_cast<float>(n) + eps);
  if (rounds_last) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = round_to<T>(to_float(x[i]) * scale * weight[i]);
    return;
  }
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = round_to<T>(to_float(round_to<T>(to_float(x[i]) * scale)) * weight[i]);
}

ITERALIGN_MULTIVERSION void rms_norm_rows(const float* x, const float* weight, float* y, std::int64_t rows, std::int64_t n, float eps,
                                          bool rounds_last) {
  for (std::int64_t r = 0; r < rows; ++r) rms_norm_row(x + r * n, weight, y + r * n, n, eps, rounds_last);
}
ITERALIGN_MULTIVERSION void rms_norm_rows(const BFloat16* x, const float* weight, BFloat16* y, std::int64_t rows, std::int64_t n, float eps,
                                          bool rounds_last) {
  for (std::int64_t r = 0; r < rows; ++r) rms_norm_row(x + r * n, weight, y + r * n, n, eps, rounds_last);
}

// One row of heads: x has `head_stride` elements from head to head, y is contiguous.
template <class T>
ITERALIGN_INLINE void rope_row(const T* x, const float* cosine, const float* sine, T* y, std::int64_t heads, std::int64_t head_stride,
                               std::int64_t half) {
  for (std::int64_t h = 0; h < heads; ++h, x += head_stride, y += 2 * half) {
#pragma omp simd
    for (std::int64_t k = 0; k < half; ++k) {
      const float low = to_float(x[k]), high = to_float(x[k + half]);
      y[k] = round_to<T>(low * cosine[k] - high * sine[k]);
      y[k + half] = round_to<T>(high * cosine[k] + low * sine[k]);
    }
  }
}

ITERALIGN_MULTIVERSION void rope_heads(const float* x, const float* cosine, const float* sine, float* y, std::int64_t heads,
                                       std::int64_t head_stride, std::int64_t half) {
  rope_row(x, cosine, sine, y, heads, head_stride, half);
}
ITERALIGN_MULTIVERSION void rope_heads(const BFloat16* x, const float* cosine, const float* sine, BFloat16* y, std::int64_t heads,
                                       std::int64_t head_stride, std::int64_t half) {
  rope_row(x, cosine, sine, y, heads, head_stride, half);
}

template <class T>
ITERALIGN_INLINE void swiglu_row(const T* gate, const T* up, T* y, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = to_float(gate[i]);
    const float silu = g / (1.0f + fast_exp(-g));
    y[i] = round_to<T>(to_float(round_to<T>(silu)) * to_float(up[i]));
  }
}

ITERALIGN_MULTIVERSION void swiglu_rows(const float* gate_up, float* y, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r) swiglu_row(gate_up + 2 * r * n, gate_up + (2 * r + 1) * n, y + r * n, n);
}
ITERALIGN_MULTIVERSION void swiglu_rows(const BFloat16* gate_up, BFloat16* y, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r) swiglu_row(gate_up + 2 * r * n, gate_up + (2 * r + 1) * n, y + r * n, n);
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x_any, const at::Tensor& weight, double eps, bool rounds_last) {
  const at::Tensor x = x_any.contiguous();
  at::Tensor y = at::empty_like(x);
  const std::int64_t n = x.size(-1), rows = x.numel() / n;
  by_type(x, [&]<class T>(T) {
    at::parallel_for(0, rows, rows_per_task(n), [&](std::int64_t begin, std::int64_t end) {
      rms_norm_rows(data<T>(x) + begin * n, data<float>(weight), mutable_data<T>(y) + begin * n, end - begin, n, static_cast<float>(eps),
                    rounds_last);
    });
  });
  return y;
}

at::Tensor rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const std::int64_t rows = x.size(0), heads = x.size(1), dim = x.size(2);
  at::Tensor y = at::empty({rows, heads, dim}, x.options());
  by_type(x, [&]<class T>(T) {
    at::parallel_for(0, rows, rows_per_task(heads * dim), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        rope_heads(data<T>(x) + r * x.stride(0), data<float>(cosine) + r * (dim / 2), data<float>(sine) + r * (dim / 2),
                   mutable_data<T>(y) + r * heads * dim, heads, x.stride(1), dim / 2);
      }
    });
  });
  return y;
}

at::Tensor swiglu(const at::Tensor& gate_up_any) {
  const at::Tensor gate_up = gate_up_any.contiguous();
  const std::int64_t rows = gate_up.size(0), n = gate_up.size(1) / 2;
  at::Tensor y = at::empty({rows, n}, gate_up.options());
  by_type(gate_up, [&]<class T>(T) {
    at::parallel_for(0, rows, rows_per_task(4 * n), [&](std::int64_t begin, std::int64_t end) {
      swiglu_rows(data<T>(gate_up) + 2 * begin * n, mutable_data<T>(y) + begin * n, end - begin, n);
    });
  });
  return y;
}

}  // namespace iteralign::kernels
