#include "grammar/token_grammar.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <string>

#include "core/random.h"
#include "core/strings.h"
#include "formats/gguf.h"
#include "formats/gguf_tokenizer.h"
#include "grammar/json_schema.h"
#include "grammar/schemas.h"
#include "iteralign/error.h"
#include "shared_data.h"
#include "text/tokenizer_documents.h"

namespace iteralign {
namespace {

Tokenizer byte_level() { return Tokenizer::from_folder(std::string(ITERALIGN_SOURCE_DIR) + "/models/lab"); }

// Pieces of words with ▁ for a space, whole characters, and a token for each byte.
Tokenizer sentence_piece() {
  Json vocab = {{"<unk>", 0}};
  for (int byte = 0; byte < 256; ++byte) vocab[fmt::format("<0x{:02X}>", byte)] = vocab.size();
  for (char c = 0x21; c < 0x7f; ++c) vocab[std::string(1, c)] = vocab.size();
  for (const char* piece :
       {"▁", "▁the", "▁\"", "\":", "\",", "\"}", "\"}]}", "]}", "},", "{\"", "text", "é", "é€", "😀", "\\n", "\\\"", "1", "12"})
    if (!vocab.contains(piece)) vocab[piece] = vocab.size();
  Json document = llama2_document();
  document["model"]["vocab"] = vocab;
  document["model"]["merges"] = Json::array();
  return Tokenizer::from_json(document, Json::object(), "sentence pieces");
}

std::string qwen2() { return shared_data("tokenizers/llama_cpp_vocab_2026/ggml-vocab-qwen2.gguf"); }
std::string llama_spm() { return shared_data("tokenizers/llama_cpp_vocab/ggml-vocab-llama-spm.gguf"); }

Tokenizer imported(const std::string& path) {
  const GgufTokenizer made = read_gguf_tokenizer(GgufFile(path));
  return Tokenizer::from_json(made.tokenizer, made.tokenizer_config, path);
}

std::shared_ptr<const TokenGrammar> grammar_of(const std::string& schema, const Tokenizer& tokenizer) {
  return std::make_shared<const TokenGrammar>(json_schema_automaton(schema), std::make_shared<const TokenTexts>(tokenizer));
}

// The first that may be next, from a random place on; kNone: none may.
constexpr TokenId kNone = -1;
TokenId any_of(const std::vector<TokenId>& ids, const std::vector<float>& logits, Random& random) {
  const std::size_t begin = random.below(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (const TokenId id = ids[(begin + i) % ids.size()]; !std::isinf(logits[static_cast<std::size_t>(id)])) return id;
  return kNone;
}

// Writes answers of every schema of ours in as few tokens as possible, and up to 60 more.
void all_are_valid(const Tokenizer& tokenizer, int count) {
  Random random(7);
  std::vector<TokenId> all(static_cast<std::size_t>(tokenizer.size())), marks;
  std::iota(all.begin(), all.end(), 0);
  std::ranges::copy_if(all, std::back_inserter(marks), [&](TokenId id) {
    return is_one_of(tokenizer.bytes_of(id), {"\"", "}", "]", ","});
  });
  std::set<std::string> different;
  for (const std::string& schema : all_schemas()) {
    const auto grammar = grammar_of(schema, tokenizer);
    const Json parsed = Json::parse(schema);
    for (int i = 0; i < count; ++i) {
      GrammarWalk walk(grammar);
      std::vector<TokenId> tokens;
      for (auto left = static_cast<std::int64_t>(grammar->shortest_answer()) + i % 60; !walk.complete(); --left) {
        ASSERT_GT(left, 0);
        std::vector<float> logits(all.size(), 0.0f);
        walk.mask(logits, left);
        // Every third time one that brings the structure forward.
        TokenId next = random.below(3) == 0 ? any_of(marks, logits, random) : kNone;
        if (next == kNone) next = any_of(all, logits, random);
        ASSERT_NE(next, kNone);
        tokens.push_back(next);
        walk.add(next);
      }
      const std::string text = tokenizer.decode(tokens, /*skip_special_tokens=*/true);
      const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
      ASSERT_TRUE(!value.is_discarded() && follows(value, parsed)) << text << "\n" << schema;
      different.insert(text);
    }
  }
  EXPECT_GT(different.size(), all_schemas().size() * static_cast<std::size_t>(count) / 4);
}

TEST(TokenGrammar, WhatIsWrittenInBytesFollowsTheSchema) { all_are_valid(byte_level(), 1250); }
TEST(TokenGrammar, WhatIsWrittenInSentencePiecesFollowsTheSchema) { all_are_valid(sentence_piece(), 1250); }

TEST(TokenGrammar, WhatIsWrittenInQwensVocabularyFollowsTheSchema) {
  SKIP_WITHOUT(qwen2());
  all_are_valid(imported(qwen2()), 3);
}

TEST(TokenGrammar, WhatIsWrittenInLlamasVocabularyFollowsTheSchema) {
  SKIP_WITHOUT(llama_spm());
  all_are_valid(imported(llama_spm()), 10);
}

TEST(TokenTexts, JoinedAreWhatIsDecoded) {
  const std::string text = "{\"a\": [1, 2]} é€😀 \t naïve";
  for (const Tokenizer& tokenizer : {byte_level(), sentence_piece()}) {
    const TokenTexts texts(tokenizer);
    std::string joined;
    const std::vector<TokenId> ids = tokenizer.encode_plain(text);
    for (const TokenId id : ids) joined += texts.text(id);
    EXPECT_EQ(trim(joined), text);  // sentence pieces begin with a space
    EXPECT_EQ(trim(tokenizer.decode(ids, true)), text);
  }
}

TEST(TokenTexts, HaveNoSpecialTokensAndNoneLeftOut) {
  Json document = llama2_document();
  const Tokenizer tokenizer = Tokenizer::from_json(document, Json::object(), "test");
  const std::vector<TokenId> left_out = {4};  // "a"
  const TokenTexts texts(tokenizer, left_out);
  EXPECT_EQ(texts.text(9), "");  // <s>
  EXPECT_EQ(texts.text(4), "");
  EXPECT_EQ(texts.text(7), " ab");
  EXPECT_EQ(texts.text(1), "\xC3");
  EXPECT_EQ(texts.text(1000), "");
}

TEST(TokenGrammar, IsRefusedWhereNoAnswerIsCertainToEnd) {
  const Tokenizer ten_tokens = Tokenizer::from_json(llama2_document(), Json::object(), "test");
  EXPECT_THROW(grammar_of(kTwinsReply.schema, ten_tokens), Error);
  Json without_decoder = llama2_document();
  without_decoder["decoder"] = nullptr;
  EXPECT_THROW(grammar_of(kTwinsReply.schema, Tokenizer::from_json(without_decoder, Json::object(), "test")), Error);
}

TEST(TokenGrammar, AModelWithoutNumbersIsRefused) {
  GrammarWalk walk(grammar_of(kTwinsReply.schema, byte_level()));
  EXPECT_THROW(walk.add(*byte_level().id_of("x")), Error);
}

}  // namespace
}  // namespace iteralign
