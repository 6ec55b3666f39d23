#include "engine/token_tree.h"

#include <algorithm>

namespace iteralign {
namespace {

std::size_t common(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Adds sequences in the order of their tokens, so that each has most in common with the one before it.
class TreeBuilder {
 public:
  TreeBuilder(const std::vector<ScoreSequence>& sequences, std::size_t prefix, std::size_t most_rows)
      : sequences_(sequences), prefix_(prefix), most_rows_(most_rows) {}

  void add(std::size_t index) {
    const ScoreSequence& sequence = sequences_[index];
    const std::size_t rows = sequence.ids.size() - 1 - prefix_;
    std::size_t shared = 0;  // rows of the last one's path that are this one's too
    if (!trees_.empty()) {
      shared = std::min({common(sequence.ids, *last_) - prefix_, path_.size(), rows});
      if (2 * shared < rows || trees_.back().tokens.size() + rows - shared > most_rows_) shared = 0;
    }
    if (trees_.empty() || shared == 0) trees_.emplace_back();
    extend(sequence, shared);
    for (std::size_t i = sequence.ids.size() - sequence.scored; i < sequence.ids.size(); ++i)
      trees_.back().targets.push_back({path_[i - 1 - prefix_], index, sequence.ids[i]});
    last_ = &sequence.ids;
  }
  std::vector<TokenTree> take() { return std::move(trees_); }

 private:
  void extend(const ScoreSequence& sequence, std::size_t shared) {
    TokenTree& tree = trees_.back();
    path_.resize(shared);
    for (std::size_t i = prefix_ + shared; i + 1 < sequence.ids.size(); ++i) {
      tree.parents.push_back(path_.empty() ? -1 : static_cast<std::int64_t>(path_.back()));
      tree.depths.push_back(static_cast<std::int64_t>(i - prefix_));
      path_.push_back(tree.tokens.size());
      tree.tokens.push_back(sequence.ids[i]);
    }
  }

  const std::vector<ScoreSequence>& sequences_;
  std::size_t prefix_, most_rows_;
  std::vector<TokenTree> trees_;
  std::vector<std::size_t> path_;  // rows of the last sequence
  const std::vector<TokenId>* last_ = nullptr;
};

}  // namespace

bool TokenTree::is_chain() const {
  for (std::size_t i = 0; i < parents.size(); ++i)
    if (parents[i] != static_cast<std::int64_t>(i) - 1) return false;
  return true;
}

std::size_t shared_prefix(const std::vector<ScoreSequence>& sequences, std::span<const std::size_t> chosen) {
  const std::vector<TokenId>& first = sequences[chosen[0]].ids;
  std::size_t length = first.size();
  for (const std::size_t i : chosen) {
    const ScoreSequence& sequence = sequences[i];
    length = std::min({length, common(first, sequence.ids), sequence.ids.size() - sequence.scored - 1});
  }
  return length;
}

std::vector<TokenTree> build_trees(const std::vector<ScoreSequence>& sequences, std::vector<std::size_t> chosen, std::size_t prefix,
                                   std::size_t most_rows) {
  std::ranges::stable_sort(chosen, [&](std::size_t a, std::size_t b) { return sequences[a].ids < sequences[b].ids; });
  TreeBuilder builder(sequences, prefix, most_rows);
  for (const std::size_t i : chosen) builder.add(i);
  return builder.take();
}

}  // namespace iteralign
