#pragma once
// Sequences to be scored, laid over each other: tokens that several begin with are computed once.

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace iteralign {

// A continuation in tokens: ids is context and continuation encoded together; the last `scored` of them are the continuation's.
struct ScoreSequence {
  std::vector<TokenId> ids;
  std::size_t scored = 0;
};

// A token that has to be predicted: by the row of the tree, for a sequence.
struct TreeTarget {
  std::size_t row, sequence;
  TokenId token;
};

// Rows behind a prefix that all sequences begin with. A parent comes before its children. The last token of a sequence is
// predicted, not read: it has no row.
struct TokenTree {
  std::vector<TokenId> tokens;
  std::vector<std::int64_t> parents;  // rows; -1: the prefix, or the beginning
  std::vector<std::int64_t> depths;   // of the row behind the prefix
  std::vector<TreeTarget> targets;    // those of a sequence stand together and in order
  [[nodiscard]] bool is_chain() const;
};

// What all of these sequences begin with, and may be computed for all at once: it ends before the first row that predicts a
// scored token.
std::size_t shared_prefix(const std::vector<ScoreSequence>& sequences, std::span<const std::size_t> chosen);

// The chosen sequences as trees behind `prefix` tokens. Sequences with much in common are in one tree of at most `most_rows` rows;
// one that is longer has a tree of its own.
std::vector<TokenTree> build_trees(const std::vector<ScoreSequence>& sequences, std::vector<std::size_t> chosen, std::size_t prefix,
                                   std::size_t most_rows);

}  // namespace iteralign
