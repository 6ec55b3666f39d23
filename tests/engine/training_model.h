#pragma once
// A tiny model, a batch and comparisons for the tests of training.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/json.h"
#include "engine/collator.h"
#include "engine/lora.h"
#include "engine/model.h"
#include "engine/operators/operators.h"
#include "engine/tiny_model.h"

namespace iteralign {

// The largest difference, relative to the largest value of `expected`.
inline double relative_difference(const at::Tensor& actual, const at::Tensor& expected) {
  const double scale = expected.abs().max().item<double>();
  return (actual.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>() / (scale > 0 ? scale : 1.0);
}

// The CPU as it is used, and with plain operators.
inline Backend fused(at::ScalarType dtype = at::kFloat) { return backend_for(at::kCPU, dtype); }
inline Backend plain(at::ScalarType dtype = at::kFloat) { return reference_backend(at::kCPU, dtype); }

inline std::unique_ptr<Model> open_tiny_model(const std::string& folder, const Backend& backend = fused()) {
  auto checkpoint = std::make_shared<const Checkpoint>(folder);
  const ModelConfig config = parse_model_config(checkpoint->config(), folder);
  return std::make_unique<Model>(std::move(checkpoint), config, backend);
}

inline LoraConfig all_layers(std::int64_t r = 4) {
  LoraConfig config;
  config.r = r;
  config.lora_alpha = 2 * static_cast<double>(r);
  config.target_modules = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  return config;
}

// B of a new adapter is zero, which would hide what depends on it.
inline void randomize_b(Model& model) {
  at::manual_seed(3);
  for (LinearModule* module : lora_modules(model)) {
    if (module->lora) module->lora->b = at::randn_like(module->lora->b) * 0.1;
  }
}

// Sequences of random tokens; all tokens but the first half of each are targets.
inline Batch random_batch(std::vector<std::int64_t> lengths) {
  at::manual_seed(5);
  std::vector<std::int64_t> rows;
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    for (std::int64_t i = length / 2; i < length; ++i) rows.push_back(begin + i);
    begin += length;
  }
  const at::Tensor index = at::tensor(rows, at::kLong);
  return {at::randint(kTinyVocabulary, {begin}, at::kLong), 0, std::move(lengths), index,
          at::randint(kTinyVocabulary, {index.size(0)}, at::kLong)};
}

}  // namespace iteralign
