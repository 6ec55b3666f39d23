#include "engine/linear.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "engine/autograd.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// LibTorch's own operators on oneDNN's packed weights have no C++ function: they are called by name.
at::Tensor onednn_pack(const at::Tensor& weight) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<at::Tensor(const at::Tensor&, std::optional<std::int64_t>)>();
  return op.call(weight, std::nullopt);
}

at::Tensor onednn_linear(const at::Tensor& x, const at::Tensor& packed, const std::optional<at::Tensor>& bias) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
                                               Scalars, std::optional<std::string_view>)>();
  static const Scalars no_scalars;
  return op.call(x, packed, bias, "none", no_scalars, "");
}

// Where the processor has no packed products for a dtype (bf16 below AVX-512) the packing operator throws.
bool onednn_can_pack(at::ScalarType dtype) {
  const auto probe = [](at::ScalarType type) {
    try {
      onednn_pack(at::zeros({16, 16}, type));
      return true;
    } catch (const c10::Error&) {
      return false;
    }
  };
  static const bool fp32 = probe(at::kFloat), bf16 = probe(at::kBFloat16);
  return dtype == at::kFloat ? fp32 : dtype == at::kBFloat16 && bf16;
}

}  // namespace

at::Tensor merged_weight(const LinearModule& module) {
  const at::Tensor weight = module.weight.detach().to(at::kFloat);
  if (!module.lora) return weight;
  const at::Tensor a = module.lora->a.detach().to(weight.device()), b = module.lora->b.detach().to(weight.device());
  return at::addmm(weight, b, a, 1.0, module.lora->scale);
}

bool PackedWeight::packs(const at::Tensor& weight) { return weight.is_cpu() && onednn_can_pack(weight.scalar_type()); }

PackedWeight::PackedWeight(const at::Tensor& weight) : onednn_(packs(weight)) {
  weight_ = onednn_ ? onednn_pack(weight.contiguous()) : weight.contiguous();
}

at::Tensor PackedWeight::multiply(const at::Tensor& x, const at::Tensor& bias) const {
  const std::optional<at::Tensor> maybe_bias = bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  return onednn_ ? onednn_linear(x, weight_, maybe_bias) : at::linear(x, weight_, maybe_bias);
}

TrainingWeight::TrainingWeight(const at::Tensor& weight, bool frozen) {
  if (frozen && PackedWeight::packs(weight)) {
    forward_ = PackedWeight(weight);
    backward_ = PackedWeight(weight.t());
  } else {
    plain_ = weight;
  }
}

at::Tensor TrainingWeight::multiply(const at::Tensor& x, const at::Tensor& bias) const {
  if (forward_.defined()) return forward_.multiply(x, bias);
  return at::linear(x, plain_, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

at::Tensor TrainingWeight::multiply_back(const at::Tensor& dy) const {
  return backward_.defined() ? backward_.multiply(dy) : dy.mm(plain_);
}

Linear::Linear(std::vector<LinearModule> modules_on_disk, at::ScalarType dtype, at::Device device)
    : modules_(std::move(modules_on_disk)), dtype_(dtype), device_(device) {}

at::Tensor Linear::forward(const at::Tensor& x) const {
  if (training_) return training_linear(x, *this);
  ITERALIGN_CHECK(packed_.defined(), "a linear layer was used before pack()");
  return packed_.multiply(x, packed_bias_);
}

std::int64_t Linear::out_features() const {
  std::int64_t out = 0;
  for (const LinearModule& module : modules_) out += module.weight.size(0);
  return out;
}

void Linear::pack() {
  if (packed_.defined()) return;
  packed_bias_ = fused_bias();
  packed_ = PackedWeight(fused_weight(/*with_lora=*/true));
}

void Linear::drop_packed() {
  packed_ = {};
  packed_bias_ = at::Tensor();
}

void Linear::set_training(bool on) {
  training_ = on;
  frozen_ = {};
  if (!on) return;
  drop_packed();
  if (!trains_weights()) frozen_ = training_weight();
}

bool Linear::trains_weights() const { return modules_[0].weight.requires_grad(); }

TrainingWeight Linear::training_weight() const {
  return frozen_.defined() ? frozen_ : TrainingWeight(fused_weight(/*with_lora=*/false), !trains_weights());
}

// Written module by module into the fused matrix: at most one module is in memory twice.
at::Tensor Linear::fused_weight(bool with_lora) const {
  const at::NoGradGuard no_grad;
  const auto value = [&](const LinearModule& module) { return with_lora && module.lora ? merged_weight(module) : module.weight.detach(); };
  if (modules_.size() == 1) return value(modules_[0]).to(at::TensorOptions().dtype(dtype_).device(device_)).contiguous();
  const at::Tensor fused = at::empty({out_features(), in_features()}, at::TensorOptions().dtype(dtype_).device(device_));
  std::int64_t row = 0;
  for (const LinearModule& module : modules_) {
    fused.narrow(0, row, module.weight.size(0)).copy_(value(module));
    row += module.weight.size(0);
  }
  return fused;
}

at::Tensor Linear::fused_bias() const {
  const at::NoGradGuard no_grad;
  if (std::ranges::none_of(modules_, [](const LinearModule& module) { return module.bias.defined(); })) return {};
  const at::Tensor fused = at::zeros({out_features()}, at::TensorOptions().dtype(dtype_).device(device_));
  std::int64_t row = 0;
  for (const LinearModule& module : modules_) {
    if (module.bias.defined()) fused.narrow(0, row, module.weight.size(0)).copy_(module.bias);
    row += module.weight.size(0);
  }
  return fused;
}

}  // namespace iteralign
