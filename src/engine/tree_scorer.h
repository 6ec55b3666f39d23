#pragma once
// What the model says of token trees: one pass over some of them, and the pass that computes what stands before them.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/model.h"
#include "engine/token_tree.h"
#include "iteralign/scorer.h"

namespace iteralign {

// One pass. Each target's likelihood is added to the score of its sequence, in the order of the targets. `prefix_cache` holds the first
// `prefix` tokens of all sequences in its first slot; null where there are none. `length`: of the longest sequence.
void score_trees(const Model& model, const KvCache* prefix_cache, std::int64_t prefix, std::span<const TokenTree> trees,
                 std::int64_t length, std::vector<Score>& scores);

struct TokenRange {
  std::int64_t first, end;
};

// Keys and values of these of the ids, behind those before them, which the first slot of the cache has. `length`: of the sequence that they
// begin. `before_pass` is called before each pass of the model.
void fill_cache(const Model& model, const std::vector<TokenId>& ids, TokenRange range, std::int64_t length, KvCache& cache,
                const std::function<void()>& before_pass);

}  // namespace iteralign
