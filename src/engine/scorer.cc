#include "engine/scorer.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "core/countdown.h"
#include "engine/kv_cache.h"
#include "engine/tree_scorer.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kBatchRows = 2048;  // of one forward pass
constexpr std::size_t kTreeRows = 512;    // a tree's mask has the square of it
constexpr std::size_t kLeastPrefix = 16;  // a shorter one is not worth a pass of its own

// What is told and asked between passes of the model.
struct Watch {
  std::function<void()> before_pass;                 // throws where there is to be none
  std::function<void(std::size_t)> sequence_scored;  // its index
};

std::vector<std::size_t> sequences_of(const TokenTree& tree) {
  std::vector<std::size_t> sequences;
  for (const TreeTarget& target : tree.targets)
    if (sequences.empty() || sequences.back() != target.sequence) sequences.push_back(target.sequence);
  return sequences;
}

void score_chosen(const Model& model, const std::vector<ScoreSequence>& sequences, const std::vector<std::size_t>& chosen,
                  const Watch& watch, std::vector<Score>& scores) {
  if (chosen.empty()) return;
  std::size_t length = 0;
  for (const std::size_t i : chosen) length = std::max(length, sequences[i].ids.size());
  std::size_t prefix = shared_prefix(sequences, chosen);
  std::vector<TokenTree> trees = build_trees(sequences, chosen, prefix, kTreeRows);
  if (prefix < kLeastPrefix || trees.size() < 2) {
    prefix = 0;
    trees = build_trees(sequences, chosen, prefix, kTreeRows);
  }
  std::optional<KvCache> cache;
  if (prefix > 0) {
    cache.emplace(model.config(), model.backend(), 1, static_cast<std::int64_t>(prefix));
    fill_cache(model, sequences[chosen[0]].ids, {0, static_cast<std::int64_t>(prefix)}, static_cast<std::int64_t>(length), *cache,
               watch.before_pass);
  }
  for (std::size_t begin = 0, end = 0; begin < trees.size(); begin = end) {
    std::size_t rows = 0;
    while (end < trees.size() && (end == begin || rows + trees[end].tokens.size() <= kBatchRows)) rows += trees[end++].tokens.size();
    watch.before_pass();
    const auto together = std::span(trees).subspan(begin, end - begin);
    score_trees(model, cache ? &*cache : nullptr, static_cast<std::int64_t>(prefix), together, static_cast<std::int64_t>(length), scores);
    for (const TokenTree& tree : together)
      for (const std::size_t i : sequences_of(tree)) watch.sequence_scored(i);
  }
}

// A sequence that is longer than the model's context loses its beginning, as in lm-evaluation-harness. Where the continuation alone is
// longer, which that refuses, it is read in windows: half of each stands there as context alone.
std::vector<ScoreSequence> windows(const ScoreSequence& sequence, std::size_t limit) {
  const std::size_t length = sequence.ids.size();
  const std::size_t step = sequence.scored < limit ? sequence.scored : limit / 2;
  std::vector<ScoreSequence> cut;
  for (std::size_t begin = length - sequence.scored, end = 0; begin < length; begin = end) {
    end = std::min(length, begin + step);
    const std::size_t first = end - std::min(end, limit);
    cut.push_back({{sequence.ids.begin() + static_cast<std::ptrdiff_t>(first), sequence.ids.begin() + static_cast<std::ptrdiff_t>(end)},
                   end - begin});
  }
  return cut;
}

void append(Score& whole, const Score& part) {
  whole.loglikelihood += part.loglikelihood;
  whole.token_loglikelihoods.insert(whole.token_loglikelihoods.end(), part.token_loglikelihoods.begin(), part.token_loglikelihoods.end());
  whole.greedy = whole.greedy && part.greedy;
}

}  // namespace

ScoreSequence from_context_end(std::vector<TokenId> context, const std::vector<TokenId>& whole) {
  const std::size_t scored = whole.size() > context.size() ? whole.size() - context.size() : 0;
  context.insert(context.end(), whole.end() - static_cast<std::ptrdiff_t>(scored), whole.end());
  return {std::move(context), scored};
}

ScoreSequence from_first_difference(const std::vector<TokenId>& context, std::vector<TokenId> whole) {
  const auto border = std::ranges::mismatch(context, whole).in2;
  const auto scored = static_cast<std::size_t>(whole.end() - border);
  return {std::move(whole), scored};
}

ScoreSequence encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation) {
  const std::size_t kept = context.find_last_not_of(" \t\n\v\f\r") + 1;  // npos + 1 is 0
  continuation.insert(0, context, kept);
  context.resize(kept);
  ScoreSequence sequence;
  if (context.empty()) {
    const auto start = tokenizer.bos_id() ? tokenizer.bos_id() : tokenizer.eos_id();
    if (!start) throw Error(ErrorKind::data, "the context is empty and the tokenizer has no start token", "context");
    sequence.ids = tokenizer.encode(continuation, /*add_special_tokens=*/false);
    sequence.scored = sequence.ids.size();
    sequence.ids.insert(sequence.ids.begin(), *start);
    return sequence;
  }
  return from_context_end(tokenizer.encode(context, /*add_special_tokens=*/true),
                          tokenizer.encode(context + continuation, /*add_special_tokens=*/true));
}

std::vector<Score> score_sequences(Model& model, const std::vector<ScoreSequence>& sequences, const Scorer::OnScored& on_scored,
                                   const std::function<bool()>& should_stop) {
  at::NoGradGuard no_grad;
  const std::size_t limit = static_cast<std::size_t>(model.config().max_position_embeddings) + 1;  // the last token is not read
  std::vector<ScoreSequence> pieces;
  std::vector<std::size_t> owners;                 // the sequence of each piece
  std::vector<std::size_t> short_ones, long_ones;  // which may not share tokens where a model rotates the two differently
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].scored > 0 && sequences[i].scored == sequences[i].ids.size())
      throw Error(ErrorKind::data, "the context has no tokens, so nothing foresees the continuation", "context");
    for (ScoreSequence& piece : windows(sequences[i], limit)) {
      const bool as_short = model.rotates_alike(static_cast<std::int64_t>(piece.ids.size()) - 1, 0);
      (as_short ? short_ones : long_ones).push_back(pieces.size());
      pieces.push_back(std::move(piece));
      owners.push_back(i);
    }
  }
  const Score nothing{.loglikelihood = 0, .token_loglikelihoods = {}, .greedy = true};
  std::vector<Score> found(pieces.size(), nothing), scores(sequences.size(), nothing);
  Countdown open(sequences.size(), owners, on_scored);
  const Watch watch = {[&] {
                         if (should_stop && should_stop()) throw Error(ErrorKind::interrupted, "interrupted while scoring");
                       },
                       [&](std::size_t piece) { open.part_done(owners[piece]); }};
  score_chosen(model, pieces, short_ones, watch, found);
  score_chosen(model, pieces, long_ones, watch, found);
  for (std::size_t i = 0; i < pieces.size(); ++i) append(scores[owners[i]], found[i]);
  return scores;
}

}  // namespace iteralign
