#pragma once
// A renderer over a tokenizer of letters.

#include <memory>
#include <string>

#include "text/renderer.h"

namespace iteralign {

// A token a byte (letters and marks of ASCII), the merge "n o", and special tokens.
inline Json small_tokenizer() {
  Json vocabulary = Json::object();
  int id = 0;
  for (char c = '!'; c <= '~'; ++c) vocabulary[std::string(1, c)] = id++;
  for (const char* mapped : {"Ġ", "Ċ", "no"}) vocabulary[mapped] = id++;
  Json added = Json::array();
  for (const char* special : {"<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"})
    added.push_back({{"id", id++},
                     {"content", special},
                     {"special", true},
                     {"normalized", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"single_word", false}});
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"n o"}}}}};
}

inline Json with_bos(Json tokenizer) {
  const TokenId bos = tokenizer["added_tokens"][0]["id"];
  tokenizer["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", Json::array({{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}})},
      {"pair", Json::array()},
      {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {bos}}, {"tokens", {"<s>"}}}}}}};
  return tokenizer;
}

inline Renderer renderer(const ChatTemplate& chat, const std::string& eos = "</s>", bool bos = false) {
  const Json config = {{"bos_token", "<s>"}, {"eos_token", eos}};
  const Json json = bos ? with_bos(small_tokenizer()) : small_tokenizer();
  return {std::make_shared<const Tokenizer>(Tokenizer::from_json(json, config, "small")), chat};
}

}  // namespace iteralign
