#pragma once
// Something that says how likely a model finds texts.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "iteralign/records.h"

namespace iteralign {

struct ScoreRequest {
  std::string context;                     // raw text, or what the assistant's turn begins with
  std::vector<std::string> continuations;  // encoded with the context; split at its length, with messages at the first token that differs
  Messages messages = {};                  // where there are some, rendered with the model's chat template before the context
  // It goes through the model by itself, behind a stem that is kept for those that come: what stays the same when its last message says
  // another thing, or, where the last is an assistant's, when all do but the system's. Its scores depend on nothing else then, to the bit.
  bool behind_stem = false;
};

struct Score {
  double loglikelihood = 0.0;                // sum over the continuation's tokens, natural logarithm
  std::vector<double> token_loglikelihoods;  // one a token
  bool greedy = false;                       // would greedy decoding have said it
  int context_tokens = 0;                    // before the continuation
  bool too_long = false;                     // behind a stem nothing is cut: context and continuation have no room, and nothing was scored
};

// One call at a time; callbacks run on the calling thread.
class Scorer {
 public:
  virtual ~Scorer() = default;

  // One vector a request, one Score a continuation. What requests share is computed once, so those that belong together come together.
  // `on_scored(index)` is called as each is finished, in any order. `should_stop` is asked between passes of the model: Error interrupted.
  using OnScored = std::function<void(std::size_t)>;
  virtual std::vector<std::vector<Score>> score(const std::vector<ScoreRequest>& requests, const OnScored& on_scored = {},
                                                const std::function<bool()>& should_stop = {}) = 0;
};

}  // namespace iteralign
