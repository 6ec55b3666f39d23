#include "pipeline/run_inputs.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "core/random.h"
#include "data/near_duplicates.h"
#include "data/prompt_reader.h"
#include "data/split.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

void append(std::vector<Prompt>& list, const std::vector<Prompt>& more) { list.insert(list.end(), more.begin(), more.end()); }

// The prompts of one key's files. Those of the embedded world are split already; the others are split by the seed.
class PromptList {
 public:
  PromptList(const std::vector<std::string>& files, PromptFilter filter, const PromptLimit& limit, RunInputs& counts) {
    for (const auto& file : files) {
      if (file == "lab")
        uses_lab_ = true;
      else
        append(read_, read_prompts(file, filter));
    }
    auto unique = drop_duplicates(std::move(read_));
    read_ = std::move(unique.kept);
    counts.exact_duplicates += unique.exact;
    counts.near_duplicates += unique.near;
    if (limit.tokens) leave_out_long(limit, counts);
  }

  void draw(int limit, std::uint64_t seed) {
    if (limit == 0 || read_.size() <= static_cast<std::size_t>(limit)) return;
    Random random(derive_seed(seed, "limit"));
    random.shuffle(read_);
    read_.resize(static_cast<std::size_t>(limit));
  }

  Split split(double heldout, std::uint64_t seed, const std::vector<Prompt>& lab_train, const std::vector<Prompt>& lab_heldout) const {
    Split parts;
    if (heldout >= 1 && read_.size() <= static_cast<std::size_t>(heldout))
      parts.heldout = read_;
    else if (!read_.empty())
      parts = split_heldout(read_, heldout, seed);
    if (uses_lab_) {
      append(parts.train, lab_train);
      append(parts.heldout, lab_heldout);
    }
    return parts;
  }

 private:
  void leave_out_long(const PromptLimit& limit, RunInputs& counts) {
    std::erase_if(read_, [&](const Prompt& prompt) {
      const std::int64_t tokens = limit.tokens(prompt.messages);
      if (tokens >= limit.context) counts.too_long.push_back({prompt.source, tokens});
      return tokens >= limit.context;
    });
  }

  std::vector<Prompt> read_;
  bool uses_lab_ = false;
};

void drop_overlap_with(std::vector<Prompt>& prompts, const std::vector<Prompt>& measured, RunInputs& counts) {
  auto rest = drop_overlap(std::move(prompts), measured);
  prompts = std::move(rest.kept);
  counts.exact_duplicates += rest.exact;
  counts.near_duplicates += rest.near;
}

// Takes `count` prompts out of the list, drawn by the seed, but at most a quarter of it; both lists keep their order.
std::vector<Prompt> reserve(std::vector<Prompt>& from, int count, std::uint64_t seed) {
  std::vector<std::size_t> places(from.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  Random random(seed);
  random.shuffle(places);
  places.resize(std::min(static_cast<std::size_t>(count), from.size() / 4));
  const std::set<std::size_t> chosen(places.begin(), places.end());
  std::vector<Prompt> taken, left;
  for (std::size_t i = 0; i < from.size(); ++i) (chosen.contains(i) ? taken : left).push_back(std::move(from[i]));
  from = std::move(left);
  return taken;
}

void reserve_for_gate(const Config& config, RunInputs& inputs) {
  if (!config.gate.enabled) return;
  const auto take = [&](std::vector<Prompt>& from, int count, const char* what) {
    return reserve(from, count, derive_seed(config.seed, what));
  };
  inputs.validation = take(inputs.red_team, config.gate.validation, "validation");
  inputs.validation_benign = take(inputs.replay, config.gate.validation, "validation_benign");
  inputs.validation_lookalike = take(inputs.replay_lookalike, config.gate.validation, "validation_lookalike");
  inputs.gate = take(inputs.red_team, config.gate.prompts, "gate");
  inputs.gate_benign = take(inputs.replay, config.gate.prompts, "gate_benign");
  inputs.gate_lookalike = take(inputs.replay_lookalike, config.gate.prompts, "gate_lookalike");
}

}  // namespace

RunInputs gather_inputs(const Config& config, const EmbeddedPrompts& embedded, const PromptLimit& limit) {
  if (config.red_team.prompts.empty())
    throw Error(ErrorKind::usage, "names no prompts", "red_team.prompts", "list files or folders, or `lab` for the embedded world");
  const RunInputs lab = embedded.lab();
  RunInputs inputs;
  PromptList red_team(config.red_team.prompts, PromptFilter::all, limit, inputs);
  const PromptList benign(config.evaluate.benign, PromptFilter::only_safe, limit, inputs);
  const PromptList lookalike(config.evaluate.lookalike, PromptFilter::only_safe, limit, inputs);
  red_team.draw(config.red_team.limit, config.seed);

  auto red_team_parts = red_team.split(config.red_team.heldout, config.seed, lab.red_team, lab.heldout);
  auto benign_parts = benign.split(config.evaluate.benign_heldout, config.seed, lab.replay, lab.benign);
  auto lookalike_parts = lookalike.split(config.evaluate.lookalike_heldout, config.seed, lab.replay_lookalike, lab.lookalike);
  inputs.heldout = std::move(red_team_parts.heldout);
  inputs.benign = std::move(benign_parts.heldout);
  inputs.lookalike = std::move(lookalike_parts.heldout);
  inputs.red_team = std::move(red_team_parts.train);
  inputs.replay = std::move(benign_parts.train);
  inputs.replay_lookalike = std::move(lookalike_parts.train);

  std::vector<Prompt> measured = inputs.heldout;
  append(measured, inputs.benign);
  append(measured, inputs.lookalike);
  drop_overlap_with(inputs.red_team, measured, inputs);
  drop_overlap_with(inputs.replay, measured, inputs);
  drop_overlap_with(inputs.replay_lookalike, measured, inputs);
  reserve_for_gate(config, inputs);
  if (inputs.red_team.empty())
    throw Error(ErrorKind::usage,
                inputs.too_long.empty() ? "no prompt is left to train on"
                                        : "no prompt is left to train on: " + std::to_string(inputs.too_long.size()) +
                                              " are too long for the model, the first is " + inputs.too_long.front().source,
                "red_team.prompts", "give more prompts, or hold out fewer");

  if (config.red_team.order == "shuffled") {
    Random random(derive_seed(config.seed, "order"));
    random.shuffle(inputs.red_team);
  }
  return inputs;
}

}  // namespace iteralign
