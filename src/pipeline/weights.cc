#include "pipeline/weights.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/files.h"
#include "core/json.h"

namespace iteralign {
namespace {

// The mark that a training is done and what it came to is saved.
std::string trained_mark(int iteration, int attempt) { return fmt::format("trained/{}/{}", iteration, attempt); }

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

std::string Weights::result(int iteration) const {
  return join_path(iteration_folder(run_folder_, iteration),
                   stage_.config.finetune.options.method == FinetuneMethod::full ? "checkpoint" : "adapter");
}

std::string Weights::candidate(int iteration, int attempt, int epoch) const {
  return join_path(iteration_folder(run_folder_, iteration), fmt::format("candidates/{}/{}", attempt, epoch));
}

void Weights::load(const std::string& folder) {
  if (folder == loaded_) return;
  stage_.model.load_trained(folder);
  loaded_ = folder;
}

void Weights::restore(int iteration) { load(trained_weights(run_folder_, iteration).first); }

TrainSummary Weights::train(int iteration, int attempt, const FinetuneConfig& config) {
  if (const auto done = stage_.store.meta(trained_mark(iteration, attempt))) return from_text(*done);
  restore(iteration - 1);
  make_directories(iteration_folder(run_folder_, iteration));
  const std::string candidates = join_path(iteration_folder(run_folder_, iteration), fmt::format("candidates/{}", attempt));
  const bool choose = stage_.config.gate.enabled && stage_.config.gate.validation > 0;
  const std::string state_folder = join_path(iteration_folder(run_folder_, iteration), "training");
  const TrainSummary train = finetune(stage_, {iteration, attempt, config, state_folder, choose ? candidates : ""});
  if (train.steps > 0) loaded_.reset();
  if (train.steps > 0 && !choose)
    stage_.model.save(candidate(iteration, attempt, 0),
                      config.options.method == FinetuneMethod::full ? SaveFormat::merged : SaveFormat::adapter);
  stage_.store.set_meta(trained_mark(iteration, attempt), to_text(train));
  std::error_code ignored;  // what the training kept to go on from is not needed any more
  std::filesystem::remove_all(state_folder, ignored);
  return train;
}

std::vector<int> Weights::epochs(int iteration, int attempt) const {
  std::vector<int> found;
  if (exists(candidate(iteration, attempt, 0))) return {0};
  for (int epoch = 1; exists(candidate(iteration, attempt, epoch)); ++epoch) found.push_back(epoch);
  return found;
}

void Weights::load_candidate(int iteration, int attempt, int epoch) { load(candidate(iteration, attempt, epoch)); }

void Weights::accept(int iteration, int attempt, int epoch) {
  if (const std::string from = candidate(iteration, attempt, epoch); exists(from)) {
    const bool current = loaded_ == from;
    std::filesystem::rename(from, result(iteration));
    if (current) loaded_ = result(iteration);
  }
  give_up(iteration);
}

void Weights::give_up(int iteration) {
  std::error_code ignored;
  std::filesystem::remove_all(join_path(iteration_folder(run_folder_, iteration), "candidates"), ignored);
}

}  // namespace iteralign
