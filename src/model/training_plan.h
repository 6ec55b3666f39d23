#pragma once
// Which examples are in which step of a training: epochs, order, packing, accumulation, learning rate. The same for whatever trains by it.

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "iteralign/learner.h"
#include "model/schedule.h"

namespace iteralign {

class TrainingPlan {
 public:
  // `lengths`: Training::lengths(), of which one at least is not 0. The seed alone decides the order.
  TrainingPlan(const std::vector<TrainExample>& examples, const std::vector<std::int64_t>& lengths, const FinetuneOptions& options);

  [[nodiscard]] std::int64_t max_steps() const { return schedule_.max_steps; }
  [[nodiscard]] std::int64_t steps_given() const { return steps_given_; }
  [[nodiscard]] bool finished() const { return steps_given_ == max_steps(); }

  // The next epoch: its examples shuffled, in steps of which the last may be smaller. What max_steps ends is cut off; none where no example
  // belongs to the epoch.
  std::vector<PlannedStep> next_epoch();

 private:
  using Indices = std::vector<std::size_t>;
  struct Trained {  // an example that is trained on
    std::size_t index;
    int epoch;
    std::int64_t length;
  };

  [[nodiscard]] bool belongs_to(const Trained& example, int epoch) const;
  // An epoch's examples, row by row; without packing a row has one.
  [[nodiscard]] std::vector<Indices> rows_of(int epoch) const;
  [[nodiscard]] std::vector<Indices> packed_rows(std::vector<Trained> examples) const;
  [[nodiscard]] std::int64_t batches_of(int epoch) const;
  [[nodiscard]] std::int64_t steps_of(int epoch) const;
  [[nodiscard]] std::int64_t steps_of_longest_epoch() const;
  [[nodiscard]] std::int64_t count_steps() const;
  std::vector<Indices> shuffled_batches();

  FinetuneOptions options_;
  std::vector<Trained> examples_;
  int cycle_ = 1;                     // epochs until examples that belong to one come round again
  std::int64_t steps_per_epoch_ = 1;  // of the longest
  Schedule schedule_;
  Random random_;
  int epochs_given_ = 0;
  std::int64_t steps_given_ = 0, batches_given_ = 0;
};

}  // namespace iteralign
