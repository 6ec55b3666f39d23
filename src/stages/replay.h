#pragma once
// replay: the base model's own answers to harmless prompts, trained on beside the revisions so that the model does not learn to refuse
// everything.

#include <vector>

#include "stages/stage.h"

namespace iteralign {

// The base model's own answers to as many replay prompts as the iterations can draw on, judged. The base model must be loaded.
void answer_replay(const Stage& stage);

// So many answers for each revision are to prompts that the weights are nearest to refusing; the numbers come from a search
// (docs/evaluation.md).
constexpr double hard_per_revision(PairKind kind) { return kind == PairKind::benign ? 2 : 1; }

struct ReplayCount {
  std::size_t hardest;  // for each revision, new or rehearsed
  std::size_t others;   // for each new revision what is left of the rate
  [[nodiscard]] std::size_t all() const { return hardest + others; }
};
// `rate`: answers for each revision.
ReplayCount replay_count(PairKind kind, double rate, std::size_t revisions, std::size_t rehearsed);

struct ReplayDraw {
  int iteration;
  PromptSet set;  // replay or replay_lookalike
  PairKind kind;
  ReplayCount count;
  const std::vector<SftPair>& revisions;  // the new ones
};
// The answers that an iteration replays, or as many as there are. First those to prompts that the current weights are nearest to
// refusing: to answering as revisions begin. Then others, in each iteration others as long as there are any.
std::vector<SftPair> replay_pairs(const Stage& stage, const ReplayDraw& draw);

// The answers to the twins of the prompts that are revised.
std::vector<SftPair> twin_pairs(const Stage& stage, int iteration, const std::vector<SftPair>& revisions);

}  // namespace iteralign
