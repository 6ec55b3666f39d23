#pragma once
// Fused operators on rows. Inputs as in ops.h: CPU, fp32 or bf16, the last dimension contiguous. One row's result
// depends on that row alone.

#include <ATen/ATen.h>

namespace iteralign::kernels {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last);  // weight fp32
at::Tensor rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);
at::Tensor swiglu(const at::Tensor& gate_up);

}  // namespace iteralign::kernels
