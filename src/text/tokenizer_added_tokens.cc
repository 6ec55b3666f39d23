#include "text/tokenizer_added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace iteralign {
namespace {

std::uint64_t edge(std::uint32_t node, char byte) { return (static_cast<std::uint64_t>(node) << 8) | static_cast<std::uint8_t>(byte); }

bool word_before(std::string_view text, std::size_t at) { return at > 0 && is_word(utf8_at(text, utf8_before(text, at))); }
bool word_at(std::string_view text, std::size_t at) { return at < text.size() && is_word(utf8_at(text, at)); }

std::size_t skip_space_left(std::string_view text, std::size_t at) {
  while (at > 0) {
    const std::size_t before = utf8_before(text, at);
    if (!is_white_space(utf8_at(text, before))) break;
    at = before;
  }
  return at;
}
std::size_t skip_space_right(std::string_view text, std::size_t at) {
  while (at < text.size() && is_white_space(utf8_at(text, at))) at += utf8_length(text[at]);
  return at;
}

}  // namespace

void AddedTokenMatcher::add(const std::string& pattern, const AddedToken& token) {
  if (pattern.empty()) return;
  std::uint32_t node = 0;
  for (const char byte : pattern) {
    const auto [child, is_new] = children_.try_emplace(edge(node, byte), static_cast<std::uint32_t>(token_of_node_.size()));
    if (is_new) token_of_node_.push_back(-1);
    node = child->second;
  }
  if (token_of_node_[node] >= 0) return;
  token_of_node_[node] = static_cast<std::int32_t>(tokens_.size());
  tokens_.push_back(token);
  starts_[static_cast<std::uint8_t>(pattern[0])] = true;
  has_special_ = has_special_ || token.special;
}

AddedTokenMatcher::Match AddedTokenMatcher::longest_at(const MarkedText& text, std::size_t begin) const {
  Match longest;
  std::uint32_t node = 0;
  bool in_input = false;
  for (std::size_t at = begin; at < text.text.size(); ++at) {
    const auto child = children_.find(edge(node, text.text[at]));
    if (child == children_.end()) break;
    node = child->second;
    in_input = in_input || text.is_input(at);
    if (token_of_node_[node] < 0) continue;
    const AddedToken& token = tokens_[static_cast<std::size_t>(token_of_node_[node])];
    if (!token.special || !in_input) longest = {&token, at + 1};
  }
  return longest;
}

std::vector<AddedTokenPiece> AddedTokenMatcher::split(const MarkedText& marked) const {
  const std::string_view text = marked.text;
  std::vector<AddedTokenPiece> pieces;
  std::size_t done = 0;  // up to here the text is in pieces
  for (std::size_t at = 0; at < text.size();) {
    if (!starts_[static_cast<std::uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    const Match match = longest_at(marked, at);
    if (match.token == nullptr) {
      ++at;
      continue;
    }
    const AddedToken& token = *match.token;
    std::size_t begin = at, end = match.end;
    at = match.end;
    if (token.single_word && (word_before(text, begin) || word_at(text, end))) continue;
    if (token.lstrip) begin = std::max(skip_space_left(text, begin), done);
    if (token.rstrip) end = skip_space_right(text, end);
    if (begin >= end) continue;  // all of it is white space that the token before it took: as in the reference, no token
    if (done < begin) pieces.push_back({done, begin, -1});
    pieces.push_back({begin, end, token.id});
    done = end;
  }
  if (done != text.size()) pieces.push_back({done, text.size(), -1});
  return pieces;
}

}  // namespace iteralign
