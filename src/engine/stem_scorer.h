#pragma once
// Scores the continuations of one context at a time. What the context begins with and shares with many others, its stem, is computed once
// and kept; the rest goes through the model in passes of its own. So the scores' bits depend on the context alone: neither on the others
// nor on what is kept.

#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/model.h"
#include "engine/token_tree.h"
#include "iteralign/scorer.h"

namespace iteralign {

class StemScorer {
 public:
  explicit StemScorer(Model& model) : model_(model) {}

  // One Score a sequence; all begin with the same tokens, up to where their continuations begin, `stem` of which are worth keeping. None
  // may be longer than the model's context. The model must be prepared for inference. `before_pass` may throw.
  std::vector<Score> score(const std::vector<ScoreSequence>& sequences, std::int64_t stem, const std::function<void()>& before_pass);
  // Of other weights.
  void forget() { kept_.clear(); }

 private:
  struct Stem {
    std::vector<TokenId> ids;
    std::int64_t length;  // of a sequence that begins with it: some models turn long ones otherwise
    KvCache cache;        // the stem, and behind it room for what else is computed before the last pass
  };

  // The cache that holds these tokens, from now on the one that was used last.
  KvCache& cache_of(std::vector<TokenId> stem, std::int64_t length, const std::function<void()>& before_pass);

  Model& model_;
  std::list<Stem> kept_;  // the one used last comes first
};

}  // namespace iteralign
