#pragma once
// A kernel's rows by the element type of its tensors: float or bfloat16.

#include <ATen/ATen.h>

#include "engine/kernels/simd.h"

namespace iteralign::kernels {

// Calls run(T{}) with the element type of `x`.
template <class Run>
void by_type(const at::Tensor& x, const Run& run) {
  x.scalar_type() == at::kFloat ? run(float{}) : run(BFloat16{});
}

template <class T>
const T* data(const at::Tensor& x) {
  return static_cast<const T*>(x.const_data_ptr());
}
template <class T>
T* mutable_data(const at::Tensor& x) {
  return static_cast<T*>(x.mutable_data_ptr());
}

}  // namespace iteralign::kernels
