#pragma once
// The tokens that a tokenizer has beside its model's: their ids and their flags, as the `tokenizers` library keeps them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/normalizer.h"
#include "text/tokenizer_added_tokens.h"

namespace iteralign {

class AddedVocabulary {
 public:
  using IdOf = std::function<std::optional<std::int32_t>(const std::string&)>;
  // `vocab_size`: how many tokens the model has, holes not counted.
  AddedVocabulary(std::int32_t vocab_size, IdOf model_id) : vocab_size_(vocab_size), model_id_(std::move(model_id)) {}

  // A token that the model has keeps that id, and the others get the next free ones, whatever ids the file states; in a file
  // that was not edited by hand these are the same. A token that was added before gets the new flags, but stays special.
  void add(const std::vector<AddedToken>& tokens);

  [[nodiscard]] const std::vector<AddedToken>& tokens() const { return tokens_; }  // each once, in the order they were added
  [[nodiscard]] const AddedToken* find(const std::string& content) const;
  // Of the tokens that are looked for in the text as it is, or in the normalised text.
  [[nodiscard]] AddedTokenMatcher matcher(bool normalized, const Normalizer& normalizer) const;

 private:
  [[nodiscard]] std::int32_t next_id() const;

  std::int32_t vocab_size_;
  IdOf model_id_;
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t> index_;  // of tokens_ by content
  // A token stays where it was first looked for, and is looked for there also where its flags say now: content, normalized.
  std::vector<std::pair<std::string, bool>> special_patterns_, plain_patterns_;
};

}  // namespace iteralign
