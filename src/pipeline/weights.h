#pragma once
// Which weights are loaded, and what becomes of those that a training leaves.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "iteralign/base_model.h"
#include "pipeline/run_folder.h"
#include "stages/finetune.h"
#include "stages/stage.h"

namespace iteralign {

// The candidates of a training lie in iter-001/candidates/<attempt from 0>/<epoch> until one is accepted or the iteration is given up;
// accepted weights lie in iter-001/adapter or iter-001/checkpoint.
class Weights {
 public:
  Weights(const Stage& stage, BaseModel& model, std::string run_folder)
      : stage_(stage), model_(model), run_folder_(std::move(run_folder)) {}

  [[nodiscard]] const std::string& run_folder() const { return run_folder_; }
  // Loads the weights that `iteration` ended with (0: the base model), unless they are loaded already.
  void restore(int iteration);
  // Trains the weights of the iteration before, as this attempt (1, 2, ...); where that is done already, only returns its summary.
  TrainSummary train(int iteration, int attempt, const FinetuneConfig& config);
  // The candidates that an attempt left, in the order of their epochs.
  [[nodiscard]] std::vector<WeightsId> epochs(int iteration, int attempt) const;
  void load_candidate(WeightsId candidate);
  // Makes the candidate the iteration's weights, and removes the others.
  void accept(WeightsId candidate);
  // Removes them all.
  void give_up(int iteration);

 private:
  [[nodiscard]] std::string candidates(int iteration, int attempt) const;
  [[nodiscard]] std::string folder(WeightsId candidate) const;
  [[nodiscard]] std::string result(int iteration) const;
  void load(const std::string& folder);

  const Stage& stage_;
  BaseModel& model_;
  std::string run_folder_;
  std::optional<std::string> loaded_ = "";  // its folder, empty for the base model; nothing behind a training
};

}  // namespace iteralign
