#include "grammar/token_texts.h"

#include <algorithm>

namespace iteralign {

TokenTexts::TokenTexts(const Tokenizer& tokenizer, std::span<const TokenId> left_out) {
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    if (tokenizer.is_special(id) || std::ranges::find(left_out, id) != left_out.end()) continue;
    std::string text = tokenizer.bytes_of(id);
    if (!text.empty()) tokens_.push_back({id, std::move(text), 0});
  }
  std::ranges::stable_sort(tokens_, {}, &Token::text);
  place_of_.assign(static_cast<std::size_t>(tokenizer.size()), static_cast<std::uint32_t>(tokens_.size()));
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    place_of_[static_cast<std::size_t>(tokens_[i].id)] = static_cast<std::uint32_t>(i);
    if (i == 0) continue;
    const std::string &before = tokens_[i - 1].text, &text = tokens_[i].text;
    tokens_[i].shared = static_cast<std::size_t>(std::ranges::mismatch(before, text).in2 - text.begin());
  }
}

std::string_view TokenTexts::text(TokenId id) const {
  const auto index = static_cast<std::size_t>(id);
  return index < place_of_.size() && place_of_[index] < tokens_.size() ? std::string_view(tokens_[place_of_[index]].text) : "";
}

}  // namespace iteralign
