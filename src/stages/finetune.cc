#include "stages/finetune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/strings.h"
#include "core/text_quality.h"
#include "stages/respond.h"
#include "stages/twins.h"

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

// The replay prompts in the order in which iterations draw on them.
std::vector<Prompt> replay_order(const Stage& stage, Purpose purpose) {
  auto prompts = stage.store.prompts(purpose);
  Random random(derive_seed(stage.config.seed, name(purpose)));
  random.shuffle(prompts);
  return prompts;
}

std::size_t share(double rate, std::size_t revisions) {
  return static_cast<std::size_t>(std::llround(rate * static_cast<double>(revisions)));
}

bool helps(const Case& item) { return item.verdict.label == Label::positive && !is_degenerate(item.response.text); }

// The base model's answers that help, by the id of the prompt: one that refuses would teach to refuse.
std::map<std::string, Case> helpful_answers(const Stage& stage, Purpose purpose) {
  std::map<std::string, Case> helpful;
  for (const Purpose asked : {purpose, Purpose::begun_replay})
    for (Case& item : cases(stage.store, 0, asked, stage.store.prompts(purpose)))
      if (helps(item)) helpful.emplace(item.prompt.id, std::move(item));
  return helpful;
}

SftPair replay_pair(int iteration, PairKind kind, const Case& item) {
  return {iteration, kind, item.prompt.id, item.prompt.messages, item.response.text, item.response.finish_reason == "stop", ""};
}

// `count` of the base model's own answers, or all; every iteration draws others as long as there are any.
std::vector<SftPair> replay_pairs(const Stage& stage, int iteration, Purpose purpose, PairKind kind, std::size_t count) {
  auto helpful = helpful_answers(stage, purpose);
  std::vector<Case> pool;
  for (const Prompt& prompt : replay_order(stage, purpose))
    if (const auto found = helpful.find(prompt.id); found != helpful.end()) pool.push_back(std::move(found->second));
  count = std::min(count, pool.size());
  if (count == 0) return {};
  std::rotate(pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(iteration - 1) * count % pool.size()),
              pool.end());
  std::vector<SftPair> pairs;
  for (const Case& item : std::span(pool).first(count)) pairs.push_back(replay_pair(iteration, kind, item));
  return pairs;
}

// The base model's own answers to the twins of what is revised.
std::vector<SftPair> twin_pairs(const Stage& stage, int iteration, const std::vector<SftPair>& revisions) {
  const auto helpful = helpful_answers(stage, Purpose::replay_twin);
  std::set<std::string> sources;
  for (const SftPair& pair : revisions) sources.insert(twin_source(pair.prompt_id));
  std::vector<SftPair> pairs;
  for (const Prompt& twin : stage.store.prompts(Purpose::replay_twin))
    if (const auto found = helpful.find(twin.id); found != helpful.end() && sources.contains(twin.source))
      pairs.push_back(replay_pair(iteration, PairKind::twin, found->second));
  return pairs;
}

// What the gate rolled back is not trained on again.
std::vector<SftPair> trained_pairs(const Stage& stage, int iteration, const FinetuneConfig& config) {
  std::vector<SftPair> pairs;
  if (config.start == "base")
    for (const IterationSummary& earlier : stage.store.iterations())
      if (earlier.accepted && earlier.iteration < iteration)
        for (SftPair& pair : stage.store.pairs(earlier.iteration)) pairs.push_back(std::move(pair));
  for (SftPair& pair : stage.store.pairs(iteration)) pairs.push_back(std::move(pair));
  return pairs;
}

// Revisions and twins are trained on in every epoch. The replay is dealt out to the epochs, so that each has answers that the others
// have not; where there are fewer than were asked for, they come again.
std::vector<TrainExample> training_examples(const Stage& stage, int iteration, const FinetuneConfig& config) {
  std::map<PairKind, std::vector<TrainExample>> of_kind;
  for (const auto& pair : trained_pairs(stage, iteration, config))
    of_kind[pair.kind].push_back({pair.messages, pair.completion, pair.complete, /*epoch=*/-1, pair.rejected});
  std::vector<TrainExample> examples = of_kind[PairKind::revision];
  const std::size_t revisions = examples.size();
  examples.insert(examples.end(), of_kind[PairKind::twin].begin(), of_kind[PairKind::twin].end());
  const auto epochs = static_cast<std::size_t>(std::ceil(config.options.num_train_epochs));
  for (const auto& [kind, rate] : {std::pair(PairKind::benign, config.replay), std::pair(PairKind::lookalike, config.replay_lookalike)}) {
    const auto& replay = of_kind[kind];
    const std::size_t count = replay.empty() ? 0 : share(rate, revisions);
    for (std::size_t i = 0; i < count; ++i) {
      examples.push_back(replay[i % replay.size()]);
      examples.back().epoch = static_cast<int>(i * epochs / count);
    }
  }
  return examples;
}

// What the base model refuses to answer, or answers with nothing.
std::vector<Prompt> unhelped(const Stage& stage) {
  std::vector<Prompt> prompts;
  for (const Purpose purpose : {Purpose::replay, Purpose::replay_lookalike, Purpose::replay_twin})
    for (const Case& item : cases(stage.store, 0, purpose))
      if (!helps(item)) prompts.push_back(item.prompt);
  return prompts;
}

Sampling replay_sampling(const Config& config) {
  Sampling sampling = config.respond;
  sampling.max_new_tokens = config.finetune.replay_max_new_tokens;
  return sampling;
}

}  // namespace

void answer_replay(const Stage& stage) {
  const auto& finetune = stage.config.finetune;
  if (finetune.method == "none") return;
  const auto prompts =
      std::min(stage.store.prompts(Purpose::red_team).size(), static_cast<std::size_t>(stage.config.red_team.per_iteration));
  const auto asked = [&](Purpose purpose, double rate) {
    auto order = replay_order(stage, purpose);
    order.resize(std::min(order.size(), share(rate, prompts * static_cast<std::size_t>(stage.config.iterations))));
    return Asked{purpose, order, Question::refusal};
  };
  respond(stage, 0,
          {asked(Purpose::replay, finetune.replay),
           asked(Purpose::replay_lookalike, finetune.replay_lookalike),
           {Purpose::replay_twin, stage.store.prompts(Purpose::replay_twin), Question::refusal}},
          replay_sampling(stage.config));
  // An answer that is begun leaves no room for refusing: so the model learns to help here too.
  const std::string opening(trim(stage.texts.get("replay_opening")));
  if (const auto again = unhelped(stage); !again.empty())
    respond(stage, 0, {{Purpose::begun_replay, again, Question::refusal, opening}}, replay_sampling(stage.config));
}

void make_pairs(const Stage& stage, const Training& training) {
  const int iteration = training.iteration;
  const std::string mark = fmt::format("pairs/{}", iteration), attempt = fmt::format("{}", training.attempt);
  if (stage.store.has_pairs(iteration) && stage.store.meta(mark).value_or("0") == attempt) return;
  auto pairs = revision_pairs(stage, iteration);
  const FinetuneConfig& config = training.config;
  const auto benign = replay_pairs(stage, iteration, Purpose::replay, PairKind::benign, share(config.replay, pairs.size()));
  const auto lookalike =
      replay_pairs(stage, iteration, Purpose::replay_lookalike, PairKind::lookalike, share(config.replay_lookalike, pairs.size()));
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
