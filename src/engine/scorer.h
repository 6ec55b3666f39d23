#pragma once
// Log-likelihoods of continuations, as lm-evaluation-harness defines them.

#include <cstddef>
#include <functional>
#include <vector>

#include "engine/model.h"
#include "engine/token_tree.h"
#include "iteralign/scorer.h"

namespace iteralign {

// A context, and what of both encoded together is behind its length: so lm-evaluation-harness cuts them. The beginning of `whole` may be
// cut otherwise where the two meet.
ScoreSequence from_context_end(std::vector<TokenId> context, const std::vector<TokenId>& whole);

// The same, but the continuation begins with the first token that differs: where the tokenizer joins words across the border nothing of
// it, or too little, would stand behind the context's length. Equal to from_context_end() where the context is cut as it is alone.
ScoreSequence from_first_difference(const std::vector<TokenId>& context, std::vector<TokenId> whole);

// White space at the end of the context moves to the continuation. An empty context is the tokenizer's BOS, or EOS where it has none.
ScoreSequence encode_pair(const Tokenizer& tokenizer, std::string context, std::string continuation);

// One Score a sequence. What sequences begin with in common is computed once, in whatever order they come. The model must be prepared for
// inference. What is longer than the model's context loses its beginning; a continuation that is longer is read in windows.
// Error data when nothing stands before a continuation. `on_scored` and `should_stop`: as in Scorer, of sequences.
std::vector<Score> score_sequences(Model& model, const std::vector<ScoreSequence>& sequences, const Scorer::OnScored& on_scored = {},
                                   const std::function<bool()>& should_stop = {});

}  // namespace iteralign
