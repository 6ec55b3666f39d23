#pragma once
// Continuous batching: a fixed number of slots decode together; a finished sequence makes room for the next one.
// The tokens of a request do not depend on the others: its prompt is computed in pieces at fixed places, together with other
// prompts' only where that was found to give the same bits; a decoding step has one row for each slot, or fewer where that
// gives the same bits; attention runs over each sequence's own length.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "iteralign/base_model.h"
#include "text/tokenizer.h"

namespace iteralign {

// A request in tokens.
struct TokenRequest {
  std::vector<TokenId> prompt;
  // So many tokens at its start are likely to be those of other prompts too (a system message, worked examples). Part of
  // the request, not found by comparing the others: where the prompt is cut decides its last bits.
  std::int64_t stem = 0;
  Sampling sampling;
  std::uint64_t seed = 0;
  bool logprobs = false;
};

class Generator {
 public:
  // `stop_tokens` end an answer. `slots`: sequences decoded at once.
  Generator(Model& model, const Tokenizer& tokenizer, std::vector<TokenId> stop_tokens, int slots);

  // As BaseModel::generate. The model must be prepared for inference.
  std::vector<Generation> generate(const std::vector<TokenRequest>& requests, const BaseModel::OnGenerated& on_done,
                                   const std::function<bool()>& should_stop);

 private:
  // A sequence that is being generated.
  struct Sequence {
    std::size_t request = 0;
    std::int64_t max_new_tokens = 0;
    std::int64_t cached = 0;  // tokens in the KV cache
    TokenId next = 0;         // the token that the next step reads
    Sampler sampler;
    std::vector<std::string> stop;
    bool logprobs = false;
    bool finished = false;
    Generation generation;
  };

  // A sequence in the slot, whose prompt is computed by the next prefill_waiting(), or before one that begins like it.
  void start(std::size_t slot, std::size_t index, const TokenRequest& request);
  void prefill_waiting();
  void prefill_together(const std::vector<PrefillPiece>& pieces);
  // A sequence that grows to a length at which all of it is rotated otherwise is computed again.
  void prefill_again(std::size_t slot);
  // The slot whose cache begins with most whole chunks of this request's prompt, and how many tokens that is.
  [[nodiscard]] std::pair<std::size_t, std::int64_t> longest_shared_prefix(const TokenRequest& request) const;
  // One token for every running sequence.
  void step();
  // Chooses sequence.next. Changes the logits.
  static void choose(Sequence& sequence, std::span<float> logits);
  // How many rows a step with so many sequences has.
  std::int64_t step_rows(std::int64_t sequences);
  [[nodiscard]] bool same_alone(std::int64_t rows, const std::vector<std::pair<std::int64_t, std::int64_t>>& parts) const;
  // True when products with so few rows give bit for bit what they give with a row for each slot.
  bool same_bits(std::int64_t rows);
  // True when a row of a product has the same bits wherever it stands and whatever stands beside it.
  bool rows_are_independent();
  // Takes sequence.next into the answer; sets its text and finish_reason, and finished when that ends it.
  void accept(Sequence& sequence) const;
  void ensure_cache(const std::vector<TokenRequest>& requests);
  [[nodiscard]] std::int64_t room(const std::vector<TokenId>& prompt) const;

  Model& model_;
  const Tokenizer& tokenizer_;
  std::vector<TokenId> stop_tokens_;
  std::size_t slots_;
  std::optional<KvCache> cache_;
  std::vector<std::optional<Sequence>> running_;  // by slot
  std::vector<const TokenRequest*> cached_;       // by slot: the request whose prompt's keys and values the cache holds,
  std::vector<std::int64_t> computed_;            // and how many of its tokens are there already
  std::vector<std::size_t> waiting_;              // slots whose prompt is not computed yet
  std::map<std::int64_t, bool> same_bits_;        // by number of rows, as measured
  std::optional<bool> rows_are_independent_;      // as measured
};

}  // namespace iteralign
