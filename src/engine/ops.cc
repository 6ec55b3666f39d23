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

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last) {
  if (use_kernel(x) && weight.scalar_type() == at::kFloat) return kernels::rms_norm(x, weight, eps, rounds_last);
  if (use_training_kernel(x) && weight.scalar_type() == at::kFloat) return training_rms_norm(x, weight, eps, rounds_last);
  const at::Tensor wide = x.to(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  const at::Tensor normalised = wide * at::rsqrt(wide.square().mean(-1, true) + eps);
  return ((rounds_last ? normalised : normalised.to(x.scalar_type())) * weight).to(x.scalar_type());
}

at::Tensor rope(const at::Tensor& x, const Rotation& rotation) {
  const auto& [cosine, sine] = rotation;
  if (!cosine.defined()) return x;
  if (const std::int64_t turned = 2 * cosine.size(1); turned < x.size(2))
    return at::cat({rope(x.narrow(2, 0, turned), rotation), x.narrow(2, turned, x.size(2) - turned)}, 2);
  if (use_kernel(x)) return kernels::rope(x, cosine, sine);
  if (use_training_kernel(x)) return training_rope(x, cosine, sine);
  const auto halves = x.to(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat).chunk(2, -1);
  const at::Tensor c = cosine.unsqueeze(1), s = sine.unsqueeze(1);  // one turn for all heads
  return at::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1).to(x.scalar_type());
}

at::Tensor gated(const at::Tensor& gate_up, Activation activation) {
  const bool silu = activation == Activation::silu;
  if (silu && use_kernel(gate_up)) return kernels::swiglu(gate_up);
  if (silu && use_training_kernel(gate_up)) return training_swiglu(gate_up);
  const auto halves = gate_up.chunk(2, -1);
  return (silu ? at::silu(halves[0]) : at::gelu(halves[0], "tanh")) * halves[1];
}

at::Tensor softcap(const at::Tensor& x, double cap) { return cap == 0 ? x : at::tanh(x / cap) * cap; }

}  // namespace iteralign
