#include "engine/scorer.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "engine/kernels/vocabulary.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::int64_t kBatchTokens = 2048;  // rows of one forward pass, padding included
constexpr std::int64_t kLogitRows = 128;     // rows of logits in memory at once

// Row of hidden states in the batch, and the token that it has to predict.
struct Target {
  std::size_t sequence;
  std::int64_t row;
  TokenId token;
};

Score empty_score() { return {.loglikelihood = 0, .token_loglikelihoods = {}, .greedy = true}; }

void score_rows(const at::Tensor& logits_any, const Target* targets, std::vector<Score>& scores) {
  const at::Tensor logits = logits_any.to(at::TensorOptions().device(at::kCPU).dtype(at::kFloat)).contiguous();
  const std::int64_t rows = logits.size(0);
  const auto width = static_cast<std::size_t>(logits.size(1));
  std::vector<double> values(static_cast<std::size_t>(rows));
  std::vector<std::uint8_t> best(static_cast<std::size_t>(rows));
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
      const std::span<const float> row(logits.const_data_ptr<float>() + r * width, width);
      const auto token = static_cast<std::size_t>(targets[r].token);
      values[r] = row[token] - kernels::log_sum_exp(row);
      best[r] = kernels::arg_max(row) == token;
    }
  });
  for (std::size_t r = 0; r < values.size(); ++r) {
    Score& score = scores[targets[r].sequence];
    score.token_loglikelihoods.push_back(values[r]);
    score.loglikelihood += values[r];
    score.greedy = score.greedy && best[r] != 0;
  }
}

// The sequences order[begin, end), the longest first.
void score_batch(const Model& model, const std::vector<ScoreSequence>& sequences, std::span<const std::size_t> batch,
                 std::vector<Score>& scores) {
  const auto length = static_cast<std::int64_t>(sequences[batch[0]].ids.size()) - 1;  // the last token is predicted, not read
  std::vector<std::int64_t> ids(batch.size() * static_cast<std::size_t>(length), 0), rows;
  std::vector<Target> targets;
  for (std::size_t b = 0; b < batch.size(); ++b) {
    const ScoreSequence& sequence = sequences[batch[b]];
    const std::size_t start = b * static_cast<std::size_t>(length), size = sequence.ids.size();
    std::copy(sequence.ids.begin(), sequence.ids.end() - 1, ids.begin() + static_cast<std::ptrdiff_t>(start));
    for (std::size_t i = size - sequence.scored; i < size; ++i) {
      rows.push_back(static_cast<std::int64_t>(start + i - 1));
      targets.push_back({batch[b], rows.back(), sequence.ids[i]});
    }
  }
  const auto tensor = [&](const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong).to(model.device()); };
  BatchAttention context(static_cast<std::int64_t>(batch.size()), length, model.device());
  const at::Tensor hidden = model.forward(tensor(ids), context).index_select(0, tensor(rows));
  for (std::int64_t first = 0; first < hidden.size(0); first += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, hidden.size(0) - first);
    score_rows(model.logits(hidden.narrow(0, first, count)), targets.data() + first, scores);
  }
}

}  // namespace

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
  const std::size_t split = tokenizer.encode(context, /*add_special_tokens=*/true).size();
  sequence.ids = tokenizer.encode(context + continuation, /*add_special_tokens=*/true);
  sequence.scored = sequence.ids.size() > split ? sequence.ids.size() - split : 0;
  return sequence;
}

std::vector<Score> score_sequences(Model& model, const std::vector<ScoreSequence>& given) {
  at::NoGradGuard no_grad;
  std::vector<ScoreSequence> sequences = given;
  const auto limit = static_cast<std::size_t>(model.config().max_position_embeddings) + 1;  // the last token is not read
  for (ScoreSequence& sequence : sequences) {
    if (sequence.scored >= limit) {
      throw Error(ErrorKind::data, "the continuation has " + std::to_string(sequence.scored) + " tokens, more than the model's context",
                  "continuation");
    }
    // Too long: the context loses its beginning, as in lm-evaluation-harness.
    if (sequence.ids.size() > limit) sequence.ids.erase(sequence.ids.begin(), sequence.ids.end() - static_cast<std::ptrdiff_t>(limit));
  }
  std::vector<Score> scores(sequences.size(), empty_score());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].scored > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sequences[a].ids.size() > sequences[b].ids.size(); });
  const auto turned_long = [&](std::size_t i) { return static_cast<std::int64_t>(sequences[i].ids.size()) - 1 > model.longrope_border(); };
  for (std::size_t begin = 0; begin < order.size();) {
    const auto longest = static_cast<std::int64_t>(sequences[order[begin]].ids.size());
    auto count = std::min<std::size_t>(order.size() - begin, static_cast<std::size_t>(std::max<std::int64_t>(1, kBatchTokens / longest)));
    while (turned_long(order[begin]) != turned_long(order[begin + count - 1])) --count;  // padding must not turn a short one
    score_batch(model, sequences, std::span(order).subspan(begin, count), scores);
    begin += count;
  }
  return scores;
}

}  // namespace iteralign
