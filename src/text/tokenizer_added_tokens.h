#pragma once
// The added tokens of tokenizer.json: found in the text before anything else looks at it.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/added_token.h"
#include "text/normalizer.h"

namespace iteralign {

struct AddedTokenPiece {
  std::size_t begin = 0, end = 0;  // bytes
  std::int32_t id = -1;            // -1: plain text
};

// Finds a set of tokens in a text, leftmost and longest first. Immutable.
class AddedTokenMatcher {
 public:
  // `pattern` is what is searched for: the content, or the normalised content. Of equal patterns the first one counts.
  void add(const std::string& pattern, const AddedToken& token);
  [[nodiscard]] bool has_special() const { return has_special_; }

  // The text as plain pieces and tokens. A special token is found only where it overlaps no input.
  [[nodiscard]] std::vector<AddedTokenPiece> split(const MarkedText& text) const;

 private:
  struct Match {
    const AddedToken* token = nullptr;
    std::size_t end = 0;
  };
  [[nodiscard]] Match longest_at(const MarkedText& text, std::size_t begin) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::uint64_t, std::uint32_t> children_;  // (node, byte) to node of a trie; 0 is its root
  std::vector<std::int32_t> token_of_node_ = {-1};
  bool starts_[256] = {};
  bool has_special_ = false;
};

}  // namespace iteralign
