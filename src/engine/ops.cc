#include "engine/ops.h"

#include <ATen/core/grad_mode.h>

#include <atomic>

#include "engine/autograd.h"
#include "engine/kernels/rows.h"

namespace iteralign {
namespace {

std::atomic<bool> fused_kernels_on{true};

bool kernel_exists(const at::Tensor& x) {
  return fused_kernels_on && x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}
bool use_training_kernel(const at::Tensor& x) { return at::GradMode::is_enabled() && kernel_exists(x); }

}  // namespace

void set_fused_kernels(bool on) { fused_kernels_on = on; }
bool fused_kernels() { return fused_kernels_on; }

bool use_kernel(const at::Tensor& x) { return !at::GradMode::is_enabled() && kernel_exists(x); }

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (use_kernel(x) && weight.scalar_type() == at::kFloat) return kernels::rms_norm(x, weight, eps);
  if (use_training_kernel(x) && weight.scalar_type() == at::kFloat) return training_rms_norm(x, weight, eps);
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor normalised = wide * at::rsqrt(wide.square().mean(-1, true) + eps);
  return (normalised.to(x.scalar_type()) * weight).to(x.scalar_type());
}

at::Tensor rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  if (use_kernel(x)) return kernels::rope(x, cosine, sine);
  if (use_training_kernel(x)) return training_rope(x, cosine, sine);
  const auto halves = x.to(at::kFloat).chunk(2, -1);
  const at::Tensor c = cosine.unsqueeze(1), s = sine.unsqueeze(1);  // one turn for all heads
  return at::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1).to(x.scalar_type());
}

at::Tensor swiglu(const at::Tensor& gate_up) {
  if (use_kernel(gate_up)) return kernels::swiglu(gate_up);
  if (use_training_kernel(gate_up)) return training_swiglu(gate_up);
  const auto halves = gate_up.chunk(2, -1);
  return at::silu(halves[0]) * halves[1];
}

}  // namespace iteralign
