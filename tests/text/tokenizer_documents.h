#pragma once
// Small tokenizer.json documents for tests.

#include <string>
#include <utility>
#include <vector>

#include "text/tokenizer.h"
#include "text/unicode.h"

namespace iteralign {

inline Json added(const std::string& content, const std::vector<std::string>& flags) {
  Json token = {{"id", 0},         {"content", content},  {"single_word", false}, {"lstrip", false},
                {"rstrip", false}, {"normalized", false}, {"special", false}};
  for (const std::string& flag : flags) token[flag] = true;
  return token;
}

inline Json tokenizer_document(Json vocab, Json merges) {
  return {{"version", "1.0"},
          {"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", nullptr},
          {"post_processor", nullptr},
          {"decoder", nullptr},
          {"model", {{"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", std::move(merges)}}}};
}

// Llama-2 in ten tokens: merges as strings, byte fallback, ▁ for space, BOS.
inline Json llama2_document() {
  Json document = tokenizer_document(
      {{"<unk>", 0}, {"<0xC3>", 1}, {"<0xA9>", 2}, {"▁", 3}, {"a", 4}, {"b", 5}, {"ab", 6}, {"▁ab", 7}, {"c", 8}}, {"a b", "▁ ab"});
  document["model"].update({{"unk_token", "<unk>"}, {"fuse_unk", true}, {"byte_fallback", true}});
  document["added_tokens"] = {added("<s>", {"rstrip", "special"})};
  document["normalizer"] = Json::parse(
      R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]})");
  document["decoder"] = Json::parse(
      R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},
          {"type":"Strip","content":" ","start":1,"stop":0}]})");
  document["post_processor"] = Json::parse(
      R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
          "pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[9],"tokens":["<s>"]}}})");
  return document;
}

// Llama-3's pipeline: all 256 byte characters, and what the merges make.
inline Json byte_level_document(const std::vector<std::pair<std::string, std::string>>& merges = {}) {
  Json vocab = Json::object(), list = Json::array();
  for (int byte = 0; byte < 256; ++byte) {
    std::string character;
    append_utf8(character, byte_character(static_cast<std::uint8_t>(byte)));
    vocab[character] = byte;
  }
  for (const auto& [left, right] : merges) {
    vocab[left + right] = vocab.size();
    list.push_back({left, right});
  }
  Json document = tokenizer_document(vocab, list);
  document["pre_tokenizer"] = Json::parse(
      R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
          },"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]})");
  document["decoder"] = {{"type", "ByteLevel"}};
  return document;
}

// Mistral 0.3 style: Metaspace before the first word only.
inline Json metaspace_document() {
  Json document = tokenizer_document({{"▁", 0}, {"a", 1}, {"b", 2}, {"▁a", 3}}, Json::array({Json::array({"▁", "a"})}));
  document["added_tokens"] = {added("<s>", {"special"})};
  document["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", false}};
  document["decoder"] = {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", false}};
  return document;
}

inline std::vector<std::string> tokens_of(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::vector<std::string> tokens;
  for (const TokenId id : ids) tokens.push_back(tokenizer.token_of(id));
  return tokens;
}
inline std::vector<std::string> tokens(const Tokenizer& tokenizer, std::string_view text) {
  return tokens_of(tokenizer, tokenizer.encode(text, false));
}

}  // namespace iteralign
