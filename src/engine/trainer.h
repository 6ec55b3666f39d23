#pragma once
// Supervised fine-tuning: the loop over epochs and steps.

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/collator.h"
#include "engine/model.h"
#include "engine/optimizer.h"
#include "engine/schedule.h"
#include "iteralign/base_model.h"

namespace iteralign {

class Trainer {
 public:
  // `model` is ready for training and `parameters` are what is trained (trainable_weights.h). Error usage for an option
  // that cannot be.
  Trainer(Model& model, const std::vector<TrainableParameter>& parameters, std::vector<Renderer::Example> examples,
          const FinetuneOptions& options);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Error interrupted when should_stop said so; Error failed when the loss or the gradient is not a number.
  TrainSummary train(const BaseModel::OnStep& on_step, const std::function<bool()>& should_stop);

 private:
  using Indices = std::vector<std::size_t>;

  // One update from some batches: their token losses are summed and divided by the number of targets of all of them.
  TrainStep update(const std::vector<Indices>& batches);
  // Adds the gradient of scale * (sum of token losses) and gives that value.
  double accumulate_gradient(const Batch& batch, double scale);

  Model& model_;
  FinetuneOptions options_;
  Collator collator_;
  std::int64_t steps_per_epoch_, max_steps_;
  AdamW optimizer_;
  Schedule schedule_;
  std::int64_t step_ = 0, tokens_ = 0, batches_seen_ = 0;
};

// Error usage names an option that cannot be.
void check(const FinetuneOptions& options);

// The sum of the token losses of a batch times `scale`, differentiable. `attention` is over the lengths of the batch and
// lives until the backward pass is done.
at::Tensor training_loss(Model& model, const Batch& batch, AttentionContext& attention, double scale);

}  // namespace iteralign
