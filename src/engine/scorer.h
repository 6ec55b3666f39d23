#pragma once
// Log-likelihoods of continuations, as lm-evaluation-harness defines them.

#include <vector>

#include "engine/model.h"
#include "iteralign/base_model.h"
#include "text/tokenizer.h"

namespace iteralign {

// A continuation in tokens: ids is context and continuation encoded together; the last `scored` of them are the continuation's.
struct ScoreSequence {
  std::vector<TokenId> ids;
  std::size_t scored = 0;
};

// White space at the end of the context moves to the continuation; the text is encoded as one and cut at the length of the
// encoded context. An empty context is the tokenizer's BOS, or EOS where it has none.
ScoreSequence encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation);

// One Score a sequence. The model must be prepared for inference. Error data when a sequence is longer than the model's context.
std::vector<Score> score_sequences(Model& model, const std::vector<ScoreSequence>& sequences);

}  // namespace iteralign
