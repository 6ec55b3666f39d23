#include "engine/generator.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <set>

#include "config/limits.h"
#include "engine/kernels/vocabulary.h"
#include "iteralign/error.h"
#include "iteralign/finish_reason.h"
#include "text/stop_strings.h"

namespace iteralign {
namespace {

// Prompts are computed in pieces of this many tokens, first the stem and then the rest, so that what two prompts have in
// common at the start is computed in the same shapes and can be shared bit for bit.
constexpr std::int64_t kPrefillChunk = 128;
// Pieces of different prompts go through the model together: so many rows keep the processor's products at full speed.
constexpr std::int64_t kPrefillRows = 512;

std::int64_t prefilled_length(const TokenRequest& request) { return static_cast<std::int64_t>(request.prompt.size()) - 1; }

// Where the piece that begins at `first` ends in a prompt with that stem; `end`: of the prompt.
std::int64_t chunk_end(std::int64_t first, std::int64_t stem, std::int64_t end) {
  return std::min(first + kPrefillChunk, first < stem ? std::min(stem, end) : end);
}

// Tokens at the start that two prompts have in common and that both compute in the same whole pieces.
std::int64_t shared_chunks(const TokenRequest& a, const TokenRequest& b) {
  const auto differs = std::mismatch(a.prompt.begin(), a.prompt.end() - 1, b.prompt.begin(), b.prompt.end() - 1).first;
  const auto common = static_cast<std::int64_t>(differs - a.prompt.begin());
  const auto whole = [](std::int64_t tokens) { return tokens / kPrefillChunk * kPrefillChunk; };
  const std::int64_t stem = std::min({common, a.stem, b.stem});
  return stem == a.stem && stem == b.stem ? stem + whole(common - stem) : whole(stem);
}

at::Tensor token_tensor(const std::vector<std::int64_t>& ids, at::Device device) {
  return at::tensor(at::ArrayRef<std::int64_t>(ids), at::kLong).to(device);
}

}  // namespace

Generator::Generator(Model& model, const Tokenizer& tokenizer, std::vector<TokenId> stop_tokens, int slots)
    : model_(model), tokenizer_(tokenizer), stop_tokens_(std::move(stop_tokens)), slots_(static_cast<std::size_t>(slots)) {
  running_.resize(slots_);
}

// New tokens that fit behind the prompt; none, or less, for one that is too long.
std::int64_t Generator::room(const std::vector<TokenId>& prompt) const {
  if (prompt.empty()) throw Error(ErrorKind::data, "the prompt is empty and the tokenizer adds no start token", "prompt");
  return model_.config().max_position_embeddings - static_cast<std::int64_t>(prompt.size());
}

void Generator::ensure_cache(const std::vector<TokenRequest>& requests) {
  std::int64_t longest = 0;
  for (const TokenRequest& request : requests) {
    check_limits(request.sampling);
    if (room(request.prompt) < 1) continue;
    longest = std::max(longest, static_cast<std::int64_t>(request.prompt.size()) +
                                    std::min<std::int64_t>(request.sampling.max_new_tokens, room(request.prompt)));
  }
  if (cache_ && cache_->max_length() >= longest) return;
  cache_.reset();  // before the new one is allocated
  cache_.emplace(model_.config(), model_.backend(), static_cast<std::int64_t>(slots_), longest);
}

std::vector<Generation> Generator::generate(const std::vector<TokenRequest>& requests, const BaseModel::OnGenerated& on_done,
                                            const std::function<bool()>& should_stop) {
  at::NoGradGuard no_grad;
  ensure_cache(requests);
  running_.assign(slots_, std::nullopt);
  cached_.assign(slots_, nullptr);  // the weights may have changed since the last call
  computed_.assign(slots_, 0);
  waiting_.clear();

  std::vector<Generation> results(requests.size());
  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (room(requests[i].prompt) >= 1) {
      fitting.push_back(i);
      continue;
    }
    results[i].finish_reason = FinishReason::too_long;
    results[i].prompt_tokens = static_cast<int>(requests[i].prompt.size());
    if (on_done) on_done(i, results[i]);
  }
  std::size_t next = 0, done = 0;
  while (done < fitting.size()) {
    for (std::size_t slot = 0; slot < slots_ && next < fitting.size(); ++slot) {
      if (!running_[slot]) start(slot, fitting[next], requests[fitting[next]]), ++next;
    }
    prefill_waiting();
    if (should_stop && should_stop()) throw Error(ErrorKind::interrupted, "interrupted while generating");
    step();
    for (auto& sequence : running_) {
      if (!sequence || !sequence->finished) continue;
      results[sequence->request] = std::move(sequence->generation);
      const std::size_t request = sequence->request;
      sequence.reset();
      ++done;
      if (on_done) on_done(request, results[request]);
    }
  }
  return results;
}

void Generator::start(std::size_t slot, std::size_t index, const TokenRequest& request) {
  Sequence sequence{.request = index,
                    .max_new_tokens = std::min<std::int64_t>(request.sampling.max_new_tokens, room(request.prompt)),
                    .sampler = Sampler(request.sampling, request.seed, request.prompt, tokenizer_.size()),
                    .stop = request.sampling.stop,
                    .logprobs = request.logprobs,
                    .generation = {}};
  sequence.generation.prompt_tokens = static_cast<int>(request.prompt.size());
  const auto [from, shared] = longest_shared_prefix(request);
  if (shared > computed_[from]) prefill_waiting();
  if (shared > 0 && from != slot) cache_->copy(static_cast<std::int64_t>(from), static_cast<std::int64_t>(slot), shared);
  cached_[slot] = &request;
  computed_[slot] = shared;
  waiting_.push_back(slot);
  sequence.cached = prefilled_length(request);
  sequence.next = request.prompt.back();
  running_[slot] = std::move(sequence);
}

// All but the last tokens: those are read by the first step, together with the other sequences' tokens.
void Generator::prefill_waiting() {
  std::vector<PrefillPiece> pieces;
  std::int64_t rows = 0;
  const auto compute = [&] {
    if (!pieces.empty()) prefill_together(pieces);
    pieces.clear();
    rows = 0;
  };
  while (!waiting_.empty()) {  // a piece of each at a time
    std::erase_if(waiting_, [&](std::size_t slot) { return computed_[slot] == prefilled_length(*cached_[slot]); });
    for (const std::size_t slot : waiting_) {
      const std::int64_t first = computed_[slot], end = prefilled_length(*cached_[slot]);
      const std::int64_t tokens = chunk_end(first, cached_[slot]->stem, end) - first;
      if (rows + tokens > kPrefillRows || !rows_are_independent()) compute();
      pieces.push_back({static_cast<std::int64_t>(slot), first, tokens, end + 1});
      rows += tokens;
    }
    compute();
  }
}

void Generator::prefill_together(const std::vector<PrefillPiece>& pieces) {
  std::vector<std::int64_t> ids;
  for (const PrefillPiece& piece : pieces) {
    const auto slot = static_cast<std::size_t>(piece.slot);
    const auto begin = cached_[slot]->prompt.begin() + piece.first;
    ids.insert(ids.end(), begin, begin + piece.tokens);
    computed_[slot] += piece.tokens;
  }
  PrefillAttention context(*cache_, pieces);
  (void)model_.forward(token_tensor(ids, model_.device()), context);  // for what it leaves in the cache
}

void Generator::prefill_again(std::size_t slot) {
  std::vector<std::int64_t> ids(cached_[slot]->prompt.begin(), cached_[slot]->prompt.end());
  const std::vector<TokenId>& answer = running_[slot]->generation.tokens;
  ids.insert(ids.end(), answer.begin(), answer.end() - 1);  // the last is read next
  const auto end = static_cast<std::int64_t>(ids.size());
  for (std::int64_t first = 0, tokens = 0; first < end; first += tokens) {
    tokens = chunk_end(first, 0, end) - first;
    PrefillAttention context(*cache_, {{static_cast<std::int64_t>(slot), first, tokens, end + 1}});
    (void)model_.forward(token_tensor({ids.begin() + first, ids.begin() + first + tokens}, model_.device()), context);
  }
  cached_[slot] = nullptr;  // nothing to share with prompts of another length
}

std::pair<std::size_t, std::int64_t> Generator::longest_shared_prefix(const TokenRequest& request) const {
  const auto length = [](const TokenRequest& r) { return static_cast<std::int64_t>(r.prompt.size()); };
  std::size_t best_slot = 0;
  std::int64_t best = 0;
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    if (cached_[slot] == nullptr || !model_.rotates_alike(length(*cached_[slot]), length(request))) continue;
    const std::int64_t shared = shared_chunks(request, *cached_[slot]);
    if (shared > best) best = shared, best_slot = slot;
  }
  return {best_slot, best};
}

void Generator::step() {
  std::vector<std::int64_t> slots, lengths, ids;
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    if (!running_[slot]) continue;
    const std::int64_t cached = running_[slot]->cached;
    if (!model_.rotates_alike(cached, cached + 1) && !running_[slot]->generation.tokens.empty()) prefill_again(slot);
    slots.push_back(static_cast<std::int64_t>(slot));
    lengths.push_back(running_[slot]->cached);
    ids.push_back(running_[slot]->next);
  }
  const std::int64_t rows = step_rows(static_cast<std::int64_t>(slots.size()));
  ids.resize(static_cast<std::size_t>(rows), 0);
  DecodeAttention context(*cache_, slots, lengths, rows);
  const at::Tensor hidden = model_.forward(token_tensor(ids, model_.device()), context);
  const at::Tensor logits = model_.logits(hidden).to(at::TensorOptions().device(at::kCPU).dtype(at::kFloat)).contiguous();
  const auto width = static_cast<std::size_t>(logits.size(1));
  float* data = logits.mutable_data_ptr<float>();

  at::parallel_for(0, static_cast<std::int64_t>(slots.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
      Sequence& sequence = *running_[static_cast<std::size_t>(slots[row])];
      choose(sequence, {data + row * width, width});
      sequence.cached += 1;
    }
  });
  for (const std::int64_t slot : slots) accept(*running_[static_cast<std::size_t>(slot)]);
}

void Generator::choose(Sequence& sequence, std::span<float> logits) {
  if (!sequence.logprobs) {
    sequence.next = sequence.sampler.sample(logits);
    return;
  }
  const std::vector<float> before(logits.begin(), logits.end());
  sequence.next = sequence.sampler.sample(logits);
  sequence.generation.logprobs.push_back(before[static_cast<std::size_t>(sequence.next)] - kernels::log_sum_exp(before));
}

std::int64_t Generator::step_rows(std::int64_t sequences) {
  const auto slots = static_cast<std::int64_t>(slots_);
  for (std::int64_t rows = 1; rows < slots; rows = rows < 4 ? rows * 2 : rows + 4) {
    if (rows >= sequences && same_bits(rows)) return rows;
  }
  return slots;
}

// True when, for the products of every shape in the model, these rows of `rows` random ones give alone what they give among all.
bool Generator::same_alone(std::int64_t rows, const std::vector<std::pair<std::int64_t, std::int64_t>>& parts) const {
  std::set<std::pair<std::int64_t, std::int64_t>> shapes;  // what a product does depends on its shape alone
  for (const Linear* linear : model_.linears()) {
    if (!shapes.insert({linear->in_features(), linear->out_features()}).second) continue;
    const at::Tensor x = at::randn({rows, linear->in_features()}, at::TensorOptions().device(model_.device())).to(model_.dtype()),
                     y = linear->forward(x);
    for (const auto& [first, count] : parts)
      if (!at::equal(y.narrow(0, first, count), linear->forward(x.narrow(0, first, count)))) return false;
  }
  return true;
}

bool Generator::same_bits(std::int64_t rows) {
  const auto known = same_bits_.find(rows);
  if (known != same_bits_.end()) return known->second;
  return same_bits_[rows] = same_alone(static_cast<std::int64_t>(slots_), {{0, rows}});
}

bool Generator::rows_are_independent() {
  if (!rows_are_independent_)
    rows_are_independent_ = same_alone(kPrefillRows, {{0, 1}, {1, 6}, {7, 23}, {30, 61}, {91, 128}, {219, 293}, {5, 300}});
  return *rows_are_independent_;
}

void Generator::accept(Sequence& sequence) const {
  Generation& generation = sequence.generation;
  const TokenId token = sequence.next;
  generation.tokens.push_back(token);
  sequence.sampler.add(token);
  const bool end_token = std::find(stop_tokens_.begin(), stop_tokens_.end(), token) != stop_tokens_.end();
  const bool full = static_cast<std::int64_t>(generation.tokens.size()) >= sequence.max_new_tokens;
  if (!end_token && !full && sequence.stop.empty()) return;

  std::vector<TokenId> visible = generation.tokens;
  if (end_token) visible.pop_back();  // a stop token need not be a special one
  generation.text = tokenizer_.decode(visible, /*skip_special_tokens=*/true);
  const bool stopped = cut_at_stop(tokenizer_, visible, sequence.stop, generation.text);
  sequence.finished = stopped || end_token || full;
  generation.finish_reason = stopped || end_token ? FinishReason::stop : FinishReason::length;
}

}  // namespace iteralign
