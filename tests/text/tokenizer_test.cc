#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/files.h"
#include "core/random.h"
#include "shared_data.h"
#include "tokenizer_documents.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Ids = std::vector<TokenId>;

Tokenizer make(const Json& document, const Json& config = Json::object()) { return Tokenizer::from_json(document, config, "test"); }

TEST(TokenizerTest, Llama2PipelineGivesTheReferencesIds) {
  const Tokenizer tokenizer = make(llama2_document());
  EXPECT_THAT(tokenizer.encode("ab c", true), ElementsAre(9, 7, 3, 8));
  EXPECT_THAT(tokenizer.encode("<s>  ab é", true), ElementsAre(9, 9, 7, 3, 1, 2));
  EXPECT_THAT(tokenizer.encode("ab<s>ab", false), ElementsAre(7, 9, 7));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("ab<s>ab", true), true), "ab ab");
  EXPECT_THAT(tokenizer.encode("", true), ElementsAre(9));
  EXPECT_THAT(tokenizer.encode("", false), IsEmpty());
}

TEST(TokenizerTest, UnknownCharactersFuseToOneUnk) {
  const Tokenizer tokenizer = make(llama2_document());
  EXPECT_THAT(tokenizer.encode("a??b", false), ElementsAre(3, 4, 0, 5));
  Json document = llama2_document();
  document["model"]["fuse_unk"] = false;
  EXPECT_THAT(make(document).encode("a??b", false), ElementsAre(3, 4, 0, 0, 5));
  document["model"]["unk_token"] = nullptr;
  EXPECT_THAT(make(document).encode("a??b", false), ElementsAre(7)) << "without unk_token they are dropped";
}

TEST(TokenizerTest, ByteRunThatIsNotUtf8IsOneReplacementAByte) {
  const Tokenizer tokenizer = make(llama2_document());
  EXPECT_EQ(tokenizer.decode(Ids{4, 1, 2, 5}, false), "aéb");
  EXPECT_EQ(tokenizer.decode(Ids{4, 1, 2, 1, 5}, false), "a\uFFFD\uFFFD\uFFFDb");
}

TEST(TokenizerTest, ByteLevelKeepsEveryByte) {
  const Tokenizer tokenizer = make(byte_level_document());
  const std::string text = "hello  wörld 'tis\n\n😀 \x01\x7f";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, false), false), text);
  EXPECT_EQ(tokenizer.token_of(tokenizer.encode(" h", false).front()), "Ġ");
  const Ids emoji = tokenizer.encode("😀", false);
  ASSERT_EQ(emoji.size(), 4U);
  EXPECT_EQ(tokenizer.decode(std::span(emoji).first(3), false), "\uFFFD") << "a cut character is one replacement character";
}

TEST(TokenizerTest, MergesStayInsideWords) {
  const Tokenizer tokenizer = make(byte_level_document({{"l", "l"}, {"ll", "o"}, {"o", "Ġ"}, {"1", "2"}, {"12", "3"}, {"123", "4"}}));
  EXPECT_THAT(tokens(tokenizer, "hello 1234"), ElementsAre("h", "e", "llo", "Ġ", "123", "4")) << "the expression takes three digits";
}

TEST(TokenizerTest, IgnoreMergesTakesAWholeWordFromTheVocabulary) {
  Json document = byte_level_document({{"a", "b"}});
  document["model"]["vocab"]["abc"] = 1000;
  EXPECT_THAT(tokens(make(document), "abc"), ElementsAre("ab", "c"));
  document["model"]["ignore_merges"] = true;
  EXPECT_THAT(tokens(make(document), "abc"), ElementsAre("abc"));
}

TEST(TokenizerTest, AddedTokensHonourTheirFlags) {
  Json document = byte_level_document();
  document["added_tokens"] = {added("<a>", {}), added("<ab>", {}), added("<l>", {"lstrip"}), added("<r>", {"rstrip"}),
                              added("word", {"single_word"})};
  const Tokenizer tokenizer = make(document);
  EXPECT_THAT(tokens(tokenizer, "x<ab>y<a>"), ElementsAre("x", "<ab>", "y", "<a>"));
  EXPECT_THAT(tokens(tokenizer, "x \u3000<l> y"), ElementsAre("x", "<l>", "Ġ", "y"));
  EXPECT_THAT(tokens(tokenizer, "x <r> \ny"), ElementsAre("x", "Ġ", "<r>", "y"));
  EXPECT_THAT(tokens(tokenizer, "word"), ElementsAre("word"));
  EXPECT_THAT(tokens(tokenizer, "-word-"), ElementsAre("-", "word", "-"));
  EXPECT_THAT(tokens(tokenizer, "words"), ElementsAre("w", "o", "r", "d", "s"));
}

TEST(TokenizerTest, AnAddedTokenOfWhiteSpaceThatAnotherTookIsNoToken) {
  Json document = byte_level_document();
  document["added_tokens"] = {added("<r>", {"rstrip"}), added("\n\n", {"lstrip", "rstrip"}), added("\t", {})};
  const Tokenizer tokenizer = make(document);
  EXPECT_THAT(tokens(tokenizer, "<r>\n\n\n\nx"), ElementsAre("<r>", "x"));
  EXPECT_THAT(tokens(tokenizer, "x\n\n\n\n \n\nx"), ElementsAre("x", "\n\n", "x"));
  EXPECT_THAT(tokens(tokenizer, "<r>\tx"), ElementsAre("<r>", "\t", "x")) << "one that does not strip stands";
}

TEST(TokenizerTest, TextThatLostItsStartIsNotTheFirst) {
  Json document = metaspace_document();
  EXPECT_THAT(tokens(make(document), "a"), ElementsAre("▁a"));
  document["normalizer"] = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", false}};
  EXPECT_THAT(tokens(make(document), "a"), ElementsAre("▁a"));
  EXPECT_THAT(tokens(make(document), "  a"), ElementsAre("a"));
  document["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", "x"}}}, {"content", ""}};
  EXPECT_THAT(tokens(make(document), "ax"), ElementsAre("▁a"));
  EXPECT_THAT(tokens(make(document), "xa"), ElementsAre("a"));
}

TEST(TokenizerTest, SpecialTokensInInputAreText) {
  Json document = byte_level_document();
  document["added_tokens"] = {added("<end>", {"special"}), added("<tool>", {})};
  const Tokenizer tokenizer = make(document);
  EXPECT_THAT(tokens_of(tokenizer, tokenizer.encode("<end><tool>", false)), ElementsAre("<end>", "<tool>"));
  EXPECT_THAT(tokens_of(tokenizer, tokenizer.encode_plain("<end><tool>")), ElementsAre("<", "e", "n", "d", ">", "<tool>"));
  const std::vector<Fragment> fragments = {{"<end>", false}, {"<end>", true}, {"<e", false}, {"nd>", true}, {"<end>", false}};
  EXPECT_THAT(tokens_of(tokenizer, tokenizer.encode_fragments(fragments)),
              ElementsAre("<end>", "<", "e", "n", "d", ">", "<", "e", "n", "d", ">", "<end>"))
      << "neither inside input nor half in it";
}

TEST(TokenizerTest, SpecialTokensThatAreSearchedInNormalisedTextAreTextInInputToo) {
  Json document = llama2_document();
  document["added_tokens"][0]["normalized"] = true;  // its pattern is now "▁<s>"
  const Tokenizer tokenizer = make(document);
  const std::vector<Fragment> fragments = {{"<s>", false}, {"ab", true}, {" <s>", true}, {" <s>", false}};
  EXPECT_THAT(tokens_of(tokenizer, tokenizer.encode_fragments(fragments)), ElementsAre("<s>", "ab", "▁", "<unk>", "<s>"));
}

TEST(TokenizerTest, NoMergeMakesASpecialToken) {
  Json document = byte_level_document({{"<", "s"}, {"<s", ">"}});
  document["added_tokens"] = {added("<s>", {"special"})};
  document["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  for (const bool ignore_merges : {false, true}) {
    document["model"]["ignore_merges"] = ignore_merges;
    const Tokenizer tokenizer = make(document);
    EXPECT_THAT(tokens_of(tokenizer, tokenizer.encode_plain("<s>")), ElementsAre("<s", ">"));
    EXPECT_THAT(tokens(tokenizer, "<s>"), ElementsAre("<s>"));
  }
}

TEST(TokenizerTest, FragmentsEncodeAsTheJoinedText) {
  const Tokenizer tokenizer = make(byte_level_document({{"a", "b"}, {"ab", "c"}, {"Ġ", "abc"}}));
  const std::vector<Fragment> fragments = {{"x ", false}, {"a", true}, {"b", false}, {"c", true}};
  EXPECT_EQ(tokenizer.encode_fragments(fragments), tokenizer.encode("x abc", false));
  EXPECT_THAT(tokenizer.encode_fragments({}), IsEmpty());
}

TEST(TokenizerTest, BytesThatAreNotUtf8AreReplaced) {
  const Tokenizer tokenizer = make(byte_level_document());
  EXPECT_EQ(tokenizer.encode("a\xFF\xE2\x82z", false), tokenizer.encode("a\uFFFD\uFFFDz", false));
  EXPECT_EQ(tokenizer.encode_plain("\xC0"), tokenizer.encode("\uFFFD", false));
}

TEST(TokenizerTest, IncrementalDecodingJoinsToDecode) {
  Random random(7);
  for (const Tokenizer& tokenizer : {make(llama2_document()), make(byte_level_document()), make(metaspace_document())}) {
    for (int round = 0; round < 300; ++round) {
      Ids ids;
      for (int i = 0; i < 12; ++i) ids.push_back(static_cast<TokenId>(random.below(static_cast<std::uint64_t>(tokenizer.size()) + 1)));
      IncrementalDecoder decoder(tokenizer, round % 2 == 0);
      std::string joined;
      for (const TokenId id : ids) {
        const std::string part = decoder.push(id);
        EXPECT_NO_THROW(Json(part).dump()) << "a part is whole characters";
        joined += part;
      }
      joined += decoder.finish();
      EXPECT_EQ(joined, tokenizer.decode(ids, round % 2 == 0));
    }
  }
}

TEST(TokenizerTest, IncrementalDecodingDoesNotWaitWithoutNeed) {
  const Tokenizer llama = make(llama2_document());
  IncrementalDecoder decoder(llama, true);
  EXPECT_EQ(decoder.push(*llama.id_of("▁ab")), "ab");
  EXPECT_EQ(decoder.push(*llama.id_of("<0xC3>")), "");
  EXPECT_EQ(decoder.push(*llama.id_of("<0xA9>")), "") << "a third byte could still spoil the run";
  EXPECT_EQ(decoder.push(*llama.id_of("▁")), "é ");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(TokenizerTest, RolesComeFromTheConfiguration) {
  const Json config = {{"bos_token", {{"content", "<s>"}}}, {"unk_token", "<unk>"}, {"pad_token", "<nowhere>"}};
  const Tokenizer tokenizer = make(llama2_document(), config);
  EXPECT_EQ(tokenizer.bos_token(), "<s>");
  EXPECT_EQ(tokenizer.bos_id(), 9);
  EXPECT_EQ(tokenizer.unk_id(), 0);
  EXPECT_EQ(tokenizer.eos_token(), "");
  EXPECT_EQ(tokenizer.eos_id(), std::nullopt);
  EXPECT_EQ(tokenizer.pad_token(), "<nowhere>");
  EXPECT_EQ(tokenizer.pad_id(), 10) << "as in the reference it becomes a token";
  EXPECT_TRUE(tokenizer.adds_bos());
  EXPECT_TRUE(tokenizer.is_special(9));
  EXPECT_FALSE(tokenizer.is_special(4));
  EXPECT_FALSE(tokenizer.is_special(-1));
  EXPECT_FALSE(tokenizer.is_special(1000));
  EXPECT_EQ(tokenizer.size(), 11);
  EXPECT_EQ(tokenizer.token_of(11), "");
}

TEST(TokenizerTest, LlamaClassFlagsReplaceThePostProcessor) {
  Json config = {{"tokenizer_class", "LlamaTokenizerFast"},
                 {"bos_token", "<s>"},
                 {"eos_token", "<s>"},
                 {"add_bos_token", false},
                 {"add_eos_token", true}};
  EXPECT_THAT(make(llama2_document(), config).encode("ab", true), ElementsAre(7, 9));
  EXPECT_FALSE(make(llama2_document(), config).adds_bos());
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  EXPECT_THAT(make(llama2_document(), config).encode("ab", true), ElementsAre(9, 7));
}

TEST(TokenizerTest, ThreadsShareOneTokenizer) {
  const Tokenizer tokenizer = make(byte_level_document({{"a", "b"}, {"ab", "c"}, {"Ġ", "abc"}}));
  std::string text;
  for (int i = 0; i < 500; ++i) text += " abc ab a" + std::to_string(i);
  const Ids expected = make(byte_level_document({{"a", "b"}, {"ab", "c"}, {"Ġ", "abc"}})).encode(text, false);
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& result : results) threads.emplace_back([&] { result = tokenizer.encode(text, false); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) EXPECT_EQ(result, expected);
}

TEST(TokenizerTest, TinyStoriesEncodesThePublishedPrompts) {
  const std::string folder = shared_data("models/TinyStories-656K");
  SKIP_WITHOUT(folder);
  const Tokenizer tokenizer = Tokenizer::from_folder(folder);
  EXPECT_EQ(tokenizer.size(), 2048);
  EXPECT_EQ(tokenizer.bos_token(), "<|start_story|>");
  EXPECT_EQ(tokenizer.eos_id(), 2);
  EXPECT_TRUE(tokenizer.adds_bos());
  const Json expectations = read_json(folder + "/greedy_expectations.computed.json");
  ASSERT_EQ(expectations["cases"].size(), 4U);
  for (const Json& one : expectations["cases"]) {
    const auto prompt = one["prompt"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(prompt, true), one["prompt_ids"].get<Ids>());
    Ids all = one["prompt_ids"].get<Ids>();
    for (const Json& id : one["generated_ids"]) all.push_back(id.get<TokenId>());
    EXPECT_EQ(tokenizer.decode(all, true), one["text_skip_special"].get<std::string>());
  }
}

}  // namespace
}  // namespace iteralign
