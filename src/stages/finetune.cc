#include "stages/finetune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "stages/replay.h"

namespace iteralign {
namespace {

std::vector<SftPair> revision_pairs(const Stage& stage, int iteration) {
  std::map<std::string, Case> originals;
  for (auto& item : cases(stage.store, iteration, Purpose::red_team)) originals[item.prompt.id] = std::move(item);
  std::vector<SftPair> pairs;
  for (const auto& revision : stage.store.revisions(iteration)) {
    if (!revision.rejected.empty()) continue;
    const auto& original = originals.at(revision.prompt_id);
    pairs.push_back(
        {iteration, PairKind::revision, revision.prompt_id, original.prompt.messages, revision.text, true, original.response.text});
  }
  return pairs;
}

TrainExample in_every_epoch(const SftPair& pair) { return {pair.messages, pair.completion, pair.complete, /*epoch=*/-1, pair.rejected}; }

// The revisions and twins of earlier iterations, so that what they taught is not forgotten; not those of weights that were rolled back.
std::vector<TrainExample> rehearsal(const Stage& stage, int iteration) {
  std::vector<TrainExample> examples;
  for (const IterationSummary& earlier : stage.store.iterations()) {
    if (!earlier.accepted || earlier.iteration >= iteration) continue;
    for (const SftPair& pair : stage.store.pairs(earlier.iteration))
      if (pair.kind == PairKind::revision || pair.kind == PairKind::twin) examples.push_back(in_every_epoch(pair));
  }
  return examples;
}

// Revisions and twins are trained on in every epoch, and so is the hardest replay of each kind. The rest of the replay is dealt out to
// the epochs, so that each has answers that the others have not; where there are fewer than were asked for, they come again.
std::vector<TrainExample> training_examples(const Stage& stage, int iteration, const FinetuneConfig& config) {
  std::map<PairKind, std::vector<TrainExample>> of_kind;
  for (const auto& pair : stage.store.pairs(iteration)) of_kind[pair.kind].push_back(in_every_epoch(pair));
  std::vector<TrainExample> examples = of_kind[PairKind::revision];
  const std::size_t revisions = examples.size();
  examples.insert(examples.end(), of_kind[PairKind::twin].begin(), of_kind[PairKind::twin].end());
  if (revisions > 0 && config.rehearse)
    for (TrainExample& example : rehearsal(stage, iteration)) examples.push_back(std::move(example));
  const auto epochs = static_cast<std::size_t>(std::ceil(config.options.num_train_epochs));
  for (const auto& [kind, rate] : {std::pair(PairKind::benign, config.replay), std::pair(PairKind::lookalike, config.replay_lookalike)}) {
    const auto& replay = of_kind[kind];
    const std::size_t count = replay.empty() ? 0 : replay_share(rate, revisions),
                      hardest = std::min({hard_per_revision(kind) * revisions, replay.size(), count});
    examples.insert(examples.end(), replay.begin(), replay.begin() + static_cast<std::ptrdiff_t>(hardest));
    for (std::size_t i = hardest; i < count; ++i) {
      examples.push_back(replay[i % replay.size()]);
      examples.back().epoch = static_cast<int>((i - hardest) * epochs / (count - hardest));
    }
  }
  return examples;
}

}  // namespace

void make_pairs(const Stage& stage, const Training& training) {
  const int iteration = training.iteration;
  const std::string mark = fmt::format("pairs/{}", iteration), attempt = fmt::format("{}", training.attempt);
  if (stage.store.has_pairs(iteration) && stage.store.meta(mark).value_or("0") == attempt) return;
  auto pairs = revision_pairs(stage, iteration);
  const FinetuneConfig& config = training.config;
  const auto benign = replay_pairs(stage, {iteration, Purpose::replay, PairKind::benign, config.replay, pairs});
  const auto lookalike = replay_pairs(stage, {iteration, Purpose::replay_lookalike, PairKind::lookalike, config.replay_lookalike, pairs});
  const auto twins = twin_pairs(stage, iteration, pairs);
  pairs.insert(pairs.end(), twins.begin(), twins.end());
  pairs.insert(pairs.end(), benign.begin(), benign.end());
  pairs.insert(pairs.end(), lookalike.begin(), lookalike.end());
  stage.store.put_pairs(iteration, pairs);
  stage.store.set_meta(mark, attempt);
}

TrainSummary finetune(const Stage& stage, const Training& training) {
  const int iteration = training.iteration;
  const std::vector<TrainExample> examples = training_examples(stage, iteration, training.config);
  if (training.config.method == "none" || examples.empty()) {
    log_info("nothing to train on in iteration {}", iteration);
    return {};
  }
  FinetuneOptions options = training_options(training.config);
  const std::string name = fmt::format("finetune/{}", iteration);
  options.seed = derive_seed(stage.config.seed, training.attempt == 0 ? name : fmt::format("{}/{}", name, training.attempt));
  options.state_folder = training.state_folder;
  options.epochs_folder = training.epochs_folder;
  stage.store.clear_train_steps(iteration);
  std::unique_ptr<Progress> progress;
  return stage.model.finetune(
      examples, options,
      [&](const TrainStep& step) {
        stage.store.put_train_step(iteration, step);
        if (!progress) progress = std::make_unique<Progress>("finetune", step.max_steps, "steps");
        progress->add(1, fmt::format("loss {:.3f}", step.loss));
      },
      stage.should_stop);
}

}  // namespace iteralign
