#pragma once
// Linear layers. Modules on disk that read the same input (q, k, v; gate, up) are one product here.
// For inference the weight lies packed in the layout that the processor multiplies fastest, with LoRA merged in; the
// weights themselves stay as they were loaded, so that a merge always starts from the exact base.

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace iteralign {

// A low-rank update W + scale * B A (Hu et al. 2021). Both factors are fp32 whatever the model's dtype.
struct Lora {
  at::Tensor a;          // [rank, in]
  at::Tensor b;          // [out, rank]
  double scale = 1.0;    // alpha / rank
  double dropout = 0.0;  // of the input, while training
};

// One linear module as it is on disk.
struct LinearModule {
  std::string name;            // "model.layers.0.self_attn.q_proj"
  at::Tensor weight;           // [out, in]: as loaded (often memory-mapped: never write into it) or an fp32 master
  at::Tensor bias;             // [out] or undefined
  std::shared_ptr<Lora> lora;  // or null
};

// The weight of the module in fp32 with LoRA merged: W + scale * B A. A new tensor unless W is fp32 without LoRA.
at::Tensor merged_weight(const LinearModule& module);

// A weight packed for products with a frozen weight: oneDNN's blocked layout where the processor has one for the dtype,
// else (and on a GPU) the plain contiguous tensor. Not differentiable.
class PackedWeight {
 public:
  PackedWeight() = default;
  explicit PackedWeight(const at::Tensor& weight);  // [out, in], in the compute dtype and on the device

  // x W^T + bias. x: [n, in] -> [n, out]; bias: [out] or undefined.
  [[nodiscard]] at::Tensor multiply(const at::Tensor& x, const at::Tensor& bias = {}) const;
  [[nodiscard]] bool defined() const { return weight_.defined(); }
  // False where the plain tensor would be kept.
  static bool packs(const at::Tensor& weight);

 private:
  at::Tensor weight_;
  bool onednn_ = false;
};

// A weight [out, in] as training multiplies it: forward with x, backward with the gradient of the result. A frozen one is
// packed for both.
class TrainingWeight {
 public:
  TrainingWeight() = default;
  TrainingWeight(const at::Tensor& weight, bool frozen);

  // x W^T + bias. x: [n, in] -> [n, out]; bias: [out] or undefined.
  [[nodiscard]] at::Tensor multiply(const at::Tensor& x, const at::Tensor& bias = {}) const;
  // dy W. dy: [n, out] -> [n, in]
  [[nodiscard]] at::Tensor multiply_back(const at::Tensor& dy) const;
  [[nodiscard]] bool defined() const { return plain_.defined() || forward_.defined(); }

 private:
  at::Tensor plain_;                 // or
  PackedWeight forward_, backward_;  // W and W^T
};

class Linear {
 public:
  Linear(std::vector<LinearModule> modules_on_disk, at::ScalarType dtype, at::Device device);

  // x: [n, in] in the compute dtype -> [n, sum of the modules' outs], in the order of the modules.
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

  // Packs the merged weights for inference; does nothing when that was done since the last drop_packed().
  void pack();
  // To be called when a weight or an adapter has changed.
  void drop_packed();

  // While on, forward() is training_linear() (autograd.h), what was packed is dropped, and a weight that does not require a
  // gradient lies ready in the compute dtype. To be called again when what requires a gradient has changed.
  void set_training(bool on);
  // Weight and bias [out] (or undefined) of all modules together in the compute dtype, without LoRA.
  [[nodiscard]] TrainingWeight training_weight() const;
  [[nodiscard]] at::Tensor fused_bias() const;
  [[nodiscard]] bool trains_weights() const;  // they all require a gradient, or none does
  // Of the dropout before LoRA: the same seed drops the same elements.
  void set_dropout_seed(std::uint64_t seed) { dropout_seed_ = seed; }
  [[nodiscard]] std::uint64_t dropout_seed() const { return dropout_seed_; }

  [[nodiscard]] std::vector<LinearModule>& modules() { return modules_; }
  [[nodiscard]] const std::vector<LinearModule>& modules() const { return modules_; }
  [[nodiscard]] std::int64_t in_features() const { return modules_[0].weight.size(1); }
  [[nodiscard]] std::int64_t out_features() const;
  [[nodiscard]] at::ScalarType dtype() const { return dtype_; }
  [[nodiscard]] at::Device device() const { return device_; }

 private:
  [[nodiscard]] at::Tensor fused_weight(bool with_lora) const;

  std::vector<LinearModule> modules_;
  at::ScalarType dtype_;
  at::Device device_;
  bool training_ = false;
  TrainingWeight frozen_;  // while training with weights that are not trained
  std::uint64_t dropout_seed_ = 0;
  PackedWeight packed_;
  at::Tensor packed_bias_;
};

}  // namespace iteralign
