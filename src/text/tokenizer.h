#pragma once
// Text to token ids and back, as a Hugging Face folder's tokenizer.json defines it: the same ids as the `tokenizers`
// library gives. The pipeline is added tokens, normalizer, pre_tokenizer, BPE model, post_processor; backwards the decoder.
// Other models (WordPiece, Unigram, ...) and parts that are not known are an Error that names the type.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"
#include "text/added_token.h"

namespace iteralign {

using TokenId = std::int32_t;

// A stretch of text with its provenance. In input (what a user or a model wrote) a special token is only text.
struct Fragment {
  std::string text;
  bool is_input = false;
  bool operator==(const Fragment&) const = default;
};

// Immutable, cheap to copy, safe from many threads. Texts are UTF-8; bytes that are not are read as U+FFFD.
class Tokenizer {
 public:
  // Reads tokenizer.json, and tokenizer_config.json, special_tokens_map.json and added_tokens.json where there are such.
  // Throws Error data that names the file and the key.
  static Tokenizer from_folder(const std::string& hf_folder);
  // `where` names the source in errors. The config may be an empty object.
  static Tokenizer from_json(const Json& tokenizer_json, const Json& tokenizer_config, const std::string& where);

  // Special tokens inside the text are recognised; with `add_special_tokens` the post-processor adds its own (BOS).
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, bool add_special_tokens) const;
  // All of the text is input: no special token is recognised in it, none is added.
  [[nodiscard]] std::vector<TokenId> encode_plain(std::string_view text) const;
  // The ids of the joined text; merges may span fragments, but a special token is recognised only where it overlaps no input.
  [[nodiscard]] std::vector<TokenId> encode_fragments(std::span<const Fragment> fragments) const;

  // Ids that do not exist are left out. The result is valid UTF-8.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool skip_special_tokens) const;

  [[nodiscard]] int size() const;                                            // 1 + largest id
  [[nodiscard]] std::optional<TokenId> id_of(std::string_view token) const;  // the model's vocabulary and added tokens
  [[nodiscard]] std::string token_of(TokenId id) const;                      // as in tokenizer.json ("Ġthe"); empty when there is none
  // What it adds to a decoded text in the middle of it: half of a character may be a token's own. Empty when there is no such id. Error
  // data when that depends on its neighbours.
  [[nodiscard]] std::string bytes_of(TokenId id) const;
  [[nodiscard]] bool is_special(TokenId id) const;

  // Of all files, with the ids and flags that count.
  [[nodiscard]] const std::vector<AddedToken>& added_tokens() const;
  // Special tokens by role (bos_token, ..., and those that the model names itself), as chat templates know them.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& named_tokens() const;
  // Empty or nullopt when there is none.
  [[nodiscard]] const std::string& bos_token() const;
  [[nodiscard]] const std::string& eos_token() const;
  [[nodiscard]] const std::string& pad_token() const;
  [[nodiscard]] const std::string& unk_token() const;
  [[nodiscard]] std::optional<TokenId> bos_id() const;
  [[nodiscard]] std::optional<TokenId> eos_id() const;
  [[nodiscard]] std::optional<TokenId> pad_id() const;
  [[nodiscard]] std::optional<TokenId> unk_id() const;
  [[nodiscard]] bool adds_bos() const;  // does encode(text, true) put BOS first

  [[nodiscard]] const Json& config() const;  // tokenizer_config.json; an empty object when there is none

 private:
  friend class IncrementalDecoder;
  struct Parts;
  explicit Tokenizer(std::shared_ptr<const Parts> parts);
  std::shared_ptr<const Parts> parts_;
};

// decode() one token at a time. Each push gives the text that is new and can no longer change, whole characters only;
// all of them and finish() joined equal decode() of the same ids. Not thread safe.
class IncrementalDecoder {
 public:
  IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special_tokens);
  ~IncrementalDecoder();
  IncrementalDecoder(IncrementalDecoder&&) noexcept;
  IncrementalDecoder& operator=(IncrementalDecoder&&) noexcept;

  std::string push(TokenId id);
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace iteralign
