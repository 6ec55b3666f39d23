#include "engine/scorer.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "core/countdown.h"
#include "engine/kernels/vocabulary.h"
#include "engine/tree_attention.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kBatchRows = 2048;    // of one forward pass
constexpr std::size_t kTreeRows = 512;      // a tree's mask has the square of it
constexpr std::size_t kLeastPrefix = 16;    // a shorter one is not worth a pass of its own
constexpr std::int64_t kPrefixPiece = 512;  // rows of the prefix at once
constexpr std::int64_t kLogitRows = 128;    // rows of logits in memory at once

// What is told and asked between passes of the model.
struct Watch {
  std::function<void()> before_pass;                 // throws where there is to be none
  std::function<void(std::size_t)> sequence_scored;  // its index
};

struct Prediction {
  double loglikelihood = 0;
  bool best = false;
};

// What the rows of logits say of the tokens that they have to predict. targets[r]: those of row r, as places in `predictions`.
void predict(const at::Tensor& logits_any, std::span<const std::vector<std::size_t>> targets, const std::vector<TreeTarget>& all,
             std::vector<Prediction>& predictions) {
  const at::Tensor logits = logits_any.to(at::TensorOptions().device(at::kCPU).dtype(at::kFloat)).contiguous();
  const auto width = static_cast<std::size_t>(logits.size(1));
  at::parallel_for(0, logits.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
      const std::span<const float> row(logits.const_data_ptr<float>() + r * width, width);
      const double total = kernels::log_sum_exp(row);
      const std::size_t likeliest = kernels::arg_max(row);
      for (const std::size_t t : targets[r]) {
        const auto token = static_cast<std::size_t>(all[t].token);
        predictions[t] = {row[token] - total, likeliest == token};
      }
    }
  });
}

// `targets` by their rows in `hidden`.
std::vector<Prediction> predictions_of(const Model& model, const at::Tensor& hidden, const std::vector<TreeTarget>& targets) {
  std::map<std::int64_t, std::vector<std::size_t>> by_row;
  for (std::size_t t = 0; t < targets.size(); ++t) by_row[static_cast<std::int64_t>(targets[t].row)].push_back(t);
  std::vector<std::int64_t> rows;
  std::vector<std::vector<std::size_t>> of_row;
  for (auto& [row, places] : by_row) {
    rows.push_back(row);
    of_row.push_back(std::move(places));
  }
  std::vector<Prediction> predictions(targets.size());
  const at::Tensor index = at::tensor(rows, at::kLong).to(model.device());
  for (std::int64_t first = 0; first < index.size(0); first += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, index.size(0) - first);
    const auto chunk = std::span(of_row).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    predict(model.logits(hidden.index_select(0, index.narrow(0, first, count))), chunk, targets, predictions);
  }
  return predictions;
}

void score_trees(const Model& model, const KvCache* prefix_cache, std::int64_t prefix, std::span<const TokenTree> trees,
                 std::int64_t length, std::vector<Score>& scores) {
  std::vector<std::int64_t> ids;
  std::vector<TreeTarget> targets;
  std::vector<const TokenTree*> pointers;
  for (const TokenTree& tree : trees) {
    for (TreeTarget target : tree.targets) {
      target.row += ids.size();
      targets.push_back(target);
    }
    ids.insert(ids.end(), tree.tokens.begin(), tree.tokens.end());
    pointers.push_back(&tree);
  }
  TreeAttention context(prefix_cache, prefix, std::move(pointers), length, model.device());
  const at::Tensor hidden = model.forward(at::tensor(ids, at::kLong).to(model.device()), context);
  const std::vector<Prediction> predictions = predictions_of(model, hidden, targets);
  for (std::size_t t = 0; t < targets.size(); ++t) {
    Score& score = scores[targets[t].sequence];
    score.token_loglikelihoods.push_back(predictions[t].loglikelihood);
    score.loglikelihood += predictions[t].loglikelihood;
    score.greedy = score.greedy && predictions[t].best;
  }
}

// Keys and values of what all sequences begin with.
KvCache compute_prefix(const Model& model, const std::vector<TokenId>& ids, std::int64_t prefix, std::int64_t length, const Watch& watch) {
  KvCache cache(model.config(), model.backend(), 1, prefix);
  for (std::int64_t first = 0; first < prefix; first += kPrefixPiece) {
    watch.before_pass();
    const std::int64_t tokens = std::min(kPrefixPiece, prefix - first);
    const std::vector<std::int64_t> piece(ids.begin() + first, ids.begin() + first + tokens);
    PrefillAttention context(cache, {{0, first, tokens, length}});
    (void)model.forward(at::tensor(piece, at::kLong).to(model.device()), context);
  }
  return cache;
}

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
  if (prefix > 0)
    cache = compute_prefix(model, sequences[chosen[0]].ids, static_cast<std::int64_t>(prefix), static_cast<std::int64_t>(length), watch);
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
