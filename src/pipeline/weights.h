#pragma once
// Which weights are loaded, and where those of each iteration lie.

#include <string>
#include <utility>

#include "stages/stage.h"

namespace iteralign {

// runs/<name>/iter-001
std::string iteration_folder(const std::string& run_folder, int iteration);

// The newest trained weights of the iterations up to this one: the folder, empty when there are none, and whether it is an adapter.
std::pair<std::string, bool> trained_weights(const std::string& run_folder, int iteration);

class Weights {
 public:
  Weights(const Stage& stage, std::string run_folder) : stage_(stage), run_folder_(std::move(run_folder)) {}

  // Brings the model to the weights that `iteration` ended with; 0 is the base model. Loads only what is not loaded.
  void restore(int iteration);
  // Trains on this iteration's pairs and keeps the result, an adapter or a checkpoint; when that was done before, loads it.
  TrainSummary finetune_or_restore(int iteration);

 private:
  [[nodiscard]] std::string trained_folder(int iteration) const;  // the newest of iterations <= this; empty when nothing was trained

  const Stage& stage_;
  std::string run_folder_;
  std::string loaded_;
};

}  // namespace iteralign
