#pragma once
// Fine-tuning, supervised or by preferences: the loop over epochs and steps.

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/collator.h"
#include "engine/model.h"
#include "engine/optimizer.h"
#include "engine/preference.h"
#include "engine/schedule.h"
#include "iteralign/base_model.h"

namespace iteralign {

class Trainer {
 public:
  // `model` is ready for training and `parameters` are what is trained (trainable_weights.h). Error usage for an option
  // that cannot be. `rejected`: as in Collator.
  Trainer(Model& model, const std::vector<TrainableParameter>& parameters, std::vector<Renderer::Example> examples,
          const FinetuneOptions& options, std::vector<Renderer::Example> rejected = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // `on_epoch` is called behind each whole epoch, with its number from 1; also behind one that a killed process ended, where this one
  // goes on from its end.
  // Error interrupted when should_stop said so; Error failed when the loss or the gradient is not a number.
  TrainSummary train(const BaseModel::OnStep& on_step, const std::function<bool()>& should_stop,
                     const std::function<void(int)>& on_epoch = {});

 private:
  using Indices = std::vector<std::size_t>;

  // What the losses of a step are divided by: its targets (of the examples, not of rejected answers), and its pairs.
  struct StepSizes {
    std::int64_t targets = 0, pairs = 0;
  };

  // One update from some batches.
  TrainStep update(const std::vector<Indices>& batches);
  // Adds the batch's share of the step's gradient and gives its share of the loss, [] fp64: nothing waits for the device.
  at::Tensor accumulate_gradient(const Batch& batch, const Indices& indices, const StepSizes& sizes);
  // The loss in which rows weigh differently, as the objective says. reference: of each sequence of the batch.
  [[nodiscard]] PreferenceLoss preference_loss_of(const Batch& batch, const at::Tensor& hidden, const at::Tensor& reference,
                                                  const StepSizes& sizes) const;
  // Goes on from a saved state; the steps that were done are reported again.
  void restore(const BaseModel::OnStep& on_step, TrainSummary& summary);
  void save_state() const;
  // Names the training: its options and its data.
  [[nodiscard]] std::string fingerprint() const;
  // log p of every example and of its rejected answer before the training: [size], zero where there is none.
  void measure_reference();

  Model& model_;
  FinetuneOptions options_;
  Collator collator_;
  std::int64_t steps_per_epoch_, max_steps_;
  AdamW optimizer_;
  Schedule schedule_;
  std::int64_t step_ = 0, tokens_ = 0, batches_seen_ = 0;
  at::Tensor reference_, rejected_reference_;
  std::vector<TrainStep> log_;
};

// Adds the gradient of `scale` times the sum of the token losses of a batch, which it returns: [] fp32. `attention`: over the lengths of
// the batch.
at::Tensor backpropagate_loss(Model& model, const Batch& batch, AttentionContext& attention, double scale);

}  // namespace iteralign
