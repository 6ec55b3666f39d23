#include "text/added_vocabulary.h"

#include <algorithm>

namespace iteralign {

void AddedVocabulary::add(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    const AddedToken* known = find(token.content);
    if (token.special && !token.content.empty() && (known == nullptr || !known->special))
      special_patterns_.emplace_back(token.content, token.normalized);
  }
  std::int32_t next = next_id();
  for (AddedToken token : tokens) {
    if (token.content.empty()) continue;
    const auto known = index_.find(token.content);
    const auto in_model = model_id_(token.content);
    token.id = known != index_.end() ? tokens_[known->second].id : in_model ? *in_model : next++;
    if (known != index_.end()) {
      AddedToken& entry = tokens_[known->second];
      token.special = token.special || entry.special;
      entry = token;
    } else {
      index_.emplace(token.content, tokens_.size());
      tokens_.push_back(token);
    }
    if (!token.special) plain_patterns_.emplace_back(token.content, token.normalized);
  }
}

// As in the reference one past the largest id of an added token, but never below the number of the model's tokens.
std::int32_t AddedVocabulary::next_id() const {
  std::int32_t next = vocab_size_;
  for (const AddedToken& token : tokens_) next = std::max(next, token.id + 1);
  return next;
}

const AddedToken* AddedVocabulary::find(const std::string& content) const {
  const auto found = index_.find(content);
  return found == index_.end() ? nullptr : &tokens_[found->second];
}

AddedTokenMatcher AddedVocabulary::matcher(bool normalized, const Normalizer& normalizer) const {
  AddedTokenMatcher matcher;
  for (const auto* patterns : {&special_patterns_, &plain_patterns_}) {
    for (const auto& [content, is_normalized] : *patterns) {
      if (is_normalized != normalized) continue;
      MarkedText pattern{content, {}};
      if (normalized) normalizer.apply(pattern);
      matcher.add(pattern.text, *find(content));
    }
  }
  return matcher;
}

}  // namespace iteralign
