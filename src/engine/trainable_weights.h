#pragma once
// Which weights a fine-tuning trains, and the way back to those from before.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/lora.h"
#include "engine/model.h"
#include "engine/optimizer.h"

namespace iteralign {

// Replaces what is trained by copies that require a gradient; what was there is untouched and comes back when the object
// goes without commit(). After that the model is ready for neither training nor inference: prepare it.
class TrainableWeights {
 public:
  explicit TrainableWeights(Model& model);
  ~TrainableWeights();
  TrainableWeights(const TrainableWeights&) = delete;
  TrainableWeights& operator=(const TrainableWeights&) = delete;

  // One of the two: LoRA, copies of the factors that are there or new ones, and fp32 masters of modules_to_save; or all weights as fp32
  // masters, with an adapter that is there merged into them.
  void train_lora(const LoraConfig& config, std::uint64_t seed);
  void train_all();

  [[nodiscard]] const std::vector<TrainableParameter>& parameters() const { return parameters_; }
  // Keeps the trained values.
  void commit() { committed_ = true; }

 private:
  void add(at::Tensor& value);

  Model& model_;
  bool committed_ = false;
  std::vector<NamedParameter> weights_;
  std::vector<at::Tensor> old_weights_;  // beside weights_
  std::vector<LinearModule*> modules_;
  std::vector<std::shared_ptr<Lora>> old_lora_;  // beside modules_
  std::vector<TrainableParameter> parameters_;
};

}  // namespace iteralign
