#include "pipeline/weights.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/files.h"
#include "core/json.h"
#include "stages/finetune.h"

namespace iteralign {
namespace {

// The mark that an iteration's training is done and saved.
std::string mark(int iteration) { return fmt::format("trained/{}", iteration); }

std::string to_text(const TrainSummary& train) {
  return dump_json({{"steps", train.steps},
                    {"loss_first", train.loss_first},
                    {"loss_last", train.loss_last},
                    {"tokens", train.tokens},
                    {"seconds", train.seconds}});
}

TrainSummary from_text(const std::string& text) {
  const Json json = parse_json(text, "run.db, a training's record");
  return {json["steps"], json["loss_first"], json["loss_last"], json["tokens"], json["seconds"]};
}

}  // namespace

std::string iteration_folder(const std::string& run_folder, int iteration) {
  return join_path(run_folder, fmt::format("iter-{:03}", iteration));
}

std::pair<std::string, bool> trained_weights(const std::string& run_folder, int iteration) {
  for (int i = iteration; i >= 1; --i)
    for (const auto& [name, adapter] : {std::pair("adapter", true), {"checkpoint", false}})
      if (std::string folder = join_path(iteration_folder(run_folder, i), name); exists(folder)) return {std::move(folder), adapter};
  return {};
}

std::string Weights::trained_folder(int iteration) const {
  for (int i = iteration; i >= 1; --i)
    if (const auto done = stage_.store.meta(mark(i)); done && from_text(*done).steps > 0)
      return join_path(iteration_folder(run_folder_, i), stage_.config.finetune.method == "full" ? "checkpoint" : "adapter");
  return {};
}

void Weights::restore(int iteration) {
  const std::string folder = trained_folder(iteration);
  if (folder == loaded_) return;
  stage_.model.load_trained(folder);
  loaded_ = folder;
}

TrainSummary Weights::finetune_or_restore(int iteration) {
  if (const auto done = stage_.store.meta(mark(iteration))) {
    restore(iteration);
    return from_text(*done);
  }
  restore(iteration - 1);
  make_directories(iteration_folder(run_folder_, iteration));
  const std::string state_folder = join_path(iteration_folder(run_folder_, iteration), "training");
  const TrainSummary train = finetune(stage_, iteration, state_folder);
  if (train.steps > 0) {
    const bool full = stage_.config.finetune.method == "full";
    loaded_ = join_path(iteration_folder(run_folder_, iteration), full ? "checkpoint" : "adapter");
    stage_.model.save(loaded_, full ? SaveFormat::merged : SaveFormat::adapter);
  }
  stage_.store.set_meta(mark(iteration), to_text(train));
  std::error_code ignored;  // what the training kept to go on from is not needed any more
  std::filesystem::remove_all(state_folder, ignored);
  return train;
}

}  // namespace iteralign
