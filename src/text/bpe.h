#pragma once
// Byte-pair encoding of one pre-token (Sennrich, Haddow, Birch 2016): from single characters, the adjacent pair with the
// lowest rank is merged until no pair has one; ties go to the left.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "text/bpe_tables.h"
#include "text/tokenizer_json.h"

namespace iteralign {

// Immutable, safe from many threads.
class Bpe {
 public:
  // byte_level: words come as raw bytes and the vocabulary is written in byte characters (unicode.h); else words are text.
  // No word becomes a token of `control`, whatever the merges say.
  // Throws Error data for a merge of tokens that are not in the vocabulary, and for options that are not supported.
  Bpe(const TokenizerDocument& document, const JsonPart& model, bool byte_level, const std::unordered_set<std::string>& control);

  void encode(std::string_view word, std::vector<std::int32_t>& ids) const;

  // By the token as the vocabulary writes it.
  [[nodiscard]] std::optional<std::int32_t> id_of(const std::string& token) const;

 private:
  enum class Whole : std::uint8_t { unknown, one_token, several_tokens };

  // What one character starts as.
  struct Initial {
    std::vector<std::int32_t> ids;  // itself, or the tokens of its bytes; empty: unknown
    bool in_vocabulary = false;
  };

  [[nodiscard]] Initial initial(const std::string& character) const;
  void add_merges(const TokenizerDocument& document, const std::string& where, const std::unordered_set<std::string>& control);
  void find_borders(const TokenizerDocument& document);
  void start_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const;
  void merge(const std::int32_t* symbols, std::size_t count, std::vector<std::int32_t>& ids) const;
  void merge_short(const std::int32_t* symbols, std::size_t count, std::vector<std::int32_t>& ids) const;
  void merge_long(const std::int32_t* symbols, std::size_t count, std::vector<std::int32_t>& ids) const;

  bool byte_level_, ignore_merges_, fuse_unk_, byte_fallback_;
  std::optional<std::int32_t> unk_id_;
  TokenTable vocabulary_;                        // by the token as it is written
  TokenTable raw_vocabulary_;                    // byte_level: by the bytes that it stands for
  PairTable merges_;                             // of two adjacent tokens: the rank, and the merged token
  std::optional<PairTable> borders_crossed_;     // initial symbols that some merge joins; between others a word falls apart
  std::vector<Initial> initials_;                // byte_level: of each byte; else of each ASCII character
  std::unique_ptr<std::atomic<Whole>[]> whole_;  // does the entry of the word table, as a word, become one token; found out on first use
};

}  // namespace iteralign
