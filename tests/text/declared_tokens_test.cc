// Special tokens that only the files beside tokenizer.json declare. The ids are those that transformers 5.24 gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "iteralign/error.h"
#include "temporary_folder.h"
#include "text/chat_template.h"
#include "tokenizer_documents.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;

using Ids = std::vector<TokenId>;

// 256 byte tokens, <s> is 256 and </s> 257.
Json document() {
  Json document = byte_level_document();
  document["added_tokens"] = {added("<s>", {"special"}), added("</s>", {"special"})};
  return document;
}

Json with_roles(const std::string& more) {
  Json config = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  config.update(Json::parse(more));
  return config;
}

Ids encode(const Json& config, const std::string& text, const Json& tokenizer = document()) {
  return Tokenizer::from_json(tokenizer, config, "test").encode(text, false);
}

const std::string kChat = "<|x|>a<|y|>";

TEST(DeclaredTokens, AddedTokensDecoder) {
  const Json config = with_roles(
      R"({"added_tokens_decoder": {"300": {"content": "<|y|>", "special": true}, "258": {"content": "<|x|>", "special": true}}})");
  EXPECT_THAT(encode(config, kChat), ElementsAre(258, 97, 259)) << "in the order of the ids, from the first free one";
  EXPECT_TRUE(Tokenizer::from_json(document(), config, "test").is_special(258));
}

TEST(DeclaredTokens, TheConfigurationsFlagsCount) {
  Json tokenizer = document();
  tokenizer["added_tokens"].push_back(added("<|x|>", {"special", "rstrip"}));
  EXPECT_THAT(encode(with_roles("{}"), "<|x|> a", tokenizer), ElementsAre(258, 97));
  const std::string plain = R"({"added_tokens_decoder": {"258": {"content": "<|x|>", "special": true, "rstrip": false}}})";
  EXPECT_THAT(encode(with_roles(plain), "<|x|> a", tokenizer), ElementsAre(258, 32, 97));
  const std::string left = R"({"added_tokens_decoder": {"258": {"content": "<|x|>", "special": true, "lstrip": true}}})";
  EXPECT_THAT(encode(with_roles(left), "a <|x|> a", tokenizer), ElementsAre(97, 258, 32, 97));
}

TEST(DeclaredTokens, ListsOfSpecialTokens) {
  EXPECT_THAT(encode(with_roles(R"({"additional_special_tokens": ["<|x|>", "<|y|>"]})"), kChat), ElementsAre(258, 97, 259));
  EXPECT_THAT(encode(with_roles(R"({"extra_special_tokens": ["<|y|>", "<|x|>"]})"), kChat), ElementsAre(259, 97, 258));
  const std::string both = R"({"extra_special_tokens": ["<|x|>"], "additional_special_tokens": ["<|y|>"]})";
  EXPECT_THAT(encode(with_roles(both), "<|x|>"), ElementsAre(258));
  EXPECT_THAT(encode(with_roles(both), "<|y|>"), ElementsAre(60, 124, 121, 124, 62)) << "the newer key alone counts";
}

TEST(DeclaredTokens, ARoleIsATokenThoughTheVocabularyAloneHasIt) {
  Json tokenizer = byte_level_document();
  tokenizer["model"]["vocab"]["</s>"] = 256;
  EXPECT_THAT(encode(Json{{"eos_token", "</s>"}}, "a</s>", tokenizer), ElementsAre(97, 256));
  EXPECT_THAT(encode(Json{{"pad_token", "[PAD]"}}, "a[PAD]", tokenizer), ElementsAre(97, 257)) << "or nothing has it";
}

TEST(DeclaredTokens, TemplatesKnowAllNamedTokens) {
  const Tokenizer tokenizer = Tokenizer::from_json(document(), with_roles(R"({"sep_token": "<|x|>", "cls_token": {"content": "<|y|>"},
      "image_token": "<img>", "extra_special_tokens": {"audio_token": "<aud>"}, "add_bos_token": true, "mask_token": null})"),
                                                   "test");
  EXPECT_EQ(special_token_variables(tokenizer), Json::parse(R"({"bos_token": "<s>", "eos_token": "</s>", "sep_token": "<|x|>",
      "cls_token": "<|y|>", "image_token": "<img>", "audio_token": "<aud>"})"));
}

TEST(DeclaredTokens, TheOlderFiles) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const std::string& text) { write_file_atomic(folder.file(name), text); };
  write("tokenizer.json", dump_json(document()));
  write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  write("special_tokens_map.json", R"({"eos_token": {"content": "<|x|>", "rstrip": true}})");
  write("added_tokens.json", R"({"<|y|>": 258, "<|x|>": 259})");
  const Tokenizer tokenizer = Tokenizer::from_folder(folder.path());
  EXPECT_EQ(tokenizer.eos_token(), "<|x|>") << "the map goes before the configuration";
  EXPECT_THAT(tokenizer.encode("<|y|> a<|x|> a", false), ElementsAre(258, 32, 97, 259, 32, 97));
  EXPECT_TRUE(tokenizer.is_special(259));
  EXPECT_FALSE(tokenizer.is_special(258)) << "a word of the older file is no control token";

  write("tokenizer_config.json", R"({"eos_token": "</s>", "added_tokens_decoder": {}})");
  EXPECT_EQ(Tokenizer::from_folder(folder.path()).eos_token(), "</s>") << "a newer configuration says it all";
}

// What `tokenizers` 0.23.3 gives a vocabulary with holes.
TEST(DeclaredTokens, NewTokensCountTheVocabularyNotItsLargestId) {
  Json tokenizer = byte_level_document();
  tokenizer["model"]["vocab"].update({{"<s>", 300}, {"</s>", 301}});
  tokenizer["added_tokens"] = {added("<s>", {"special"}), added("</s>", {"special"}), added("<|new|>", {"special"})};
  EXPECT_THAT(encode(Json::object(), "a<|new|>b</s>", tokenizer), ElementsAre(97, 258, 98, 301));
  EXPECT_THAT(encode(Json{{"pad_token", "[PAD]"}}, "[PAD]", tokenizer), ElementsAre(302)) << "what is added later comes behind all others";
}

TEST(DeclaredTokens, AnEntryThatIsNoTokenIsNamed) {
  try {
    (void)encode(with_roles(R"({"added_tokens_decoder": {"x": {"content": "<|x|>"}}})"), "a");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("added_tokens_decoder has an entry that is not an id with a token: x"));
  }
}

}  // namespace
}  // namespace iteralign
