#pragma once
// Fine-tuning, supervised or by preferences: one update of the weights after the other, as a plan has them.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/collator.h"
#include "engine/model.h"
#include "engine/optimizer.h"
#include "engine/preference.h"
#include "iteralign/learner.h"

namespace iteralign {

class Trainer {
 public:
  // `model` is ready for training and `parameters` are what is trained (trainable_weights.h). `should_stop` is asked between the examples
  // whose preference is measured: Error interrupted.
  Trainer(Model& model, const std::vector<TrainableParameter>& parameters, Collator collator, const FinetuneOptions& options,
          const std::function<bool()>& should_stop = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // As those of Training.
  [[nodiscard]] const std::vector<std::int64_t>& lengths() const { return collator_.lengths(); }
  TrainStep step(const PlannedStep& planned);
  void save_state(const std::string& folder) const;
  std::vector<TrainStep> restore_state(const std::string& folder);

 private:
  using Indices = std::vector<std::size_t>;

  // What the losses of a step are divided by: its targets (of the examples, not of rejected answers), and its pairs.
  struct StepSizes {
    std::int64_t targets = 0, pairs = 0;
  };

  // Adds the batch's share of the step's gradient and gives its share of the loss, [] fp64: nothing waits for the device. `number`: of the
  // batch in the whole training.
  at::Tensor accumulate_gradient(const Batch& batch, const Indices& indices, const StepSizes& sizes, std::int64_t number);
  // The loss in which rows weigh differently, as the objective says. reference: of each sequence of the batch.
  [[nodiscard]] PreferenceLoss preference_loss_of(const Batch& batch, const at::Tensor& hidden, const at::Tensor& reference,
                                                  const StepSizes& sizes) const;
  // Names the training: its options and its data.
  [[nodiscard]] std::string fingerprint() const;
  // log p of every example and of its rejected answer before the training: [size], zero where there is none.
  void measure_reference(const std::function<bool()>& should_stop);

  Model& model_;
  FinetuneOptions options_;
  Collator collator_;
  AdamW optimizer_;
  at::Tensor reference_, rejected_reference_;
  std::vector<TrainStep> log_;
};

// Adds the gradient of `scale` times the sum of the token losses of a batch, which it returns: [] fp32. `attention`: over the lengths of
// the batch.
at::Tensor backpropagate_loss(Model& model, const Batch& batch, AttentionContext& attention, double scale);

}  // namespace iteralign
