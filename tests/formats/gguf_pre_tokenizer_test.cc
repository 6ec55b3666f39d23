#include "formats/gguf_pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "text/pre_tokenizer.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> words(const std::string& name, const std::string& text) {
  const GgufPreTokenizer pre = gguf_pre_tokenizer(name, "test");
  const Words cut = PreTokenizer(JsonPart(pre.pre_tokenizer, name)).apply(text, true);
  std::vector<std::string> words;
  for (const Range& word : cut.words) words.push_back(cut.text.substr(word.begin, word.end - word.begin));
  return words;
}

// What the published tokenizer.json of each cuts.
TEST(GgufPreTokenizer, CutsAsThePublishedFile) {
  EXPECT_THAT(words("gpt-2", "It's 2024  !"), ElementsAre("It", "'s", " 2024", " ", " !"));
  EXPECT_THAT(words("smollm", "It's 2024"), ElementsAre("It", "'s", " ", "2", "0", "2", "4"));
  EXPECT_THAT(words("llama-bpe", "IT'S 2024\n\n x"), ElementsAre("IT", "'S", " ", "202", "4", "\n\n", " x"));
  EXPECT_THAT(words("qwen2", "x=12"), ElementsAre("x", "=", "1", "2"));
  EXPECT_THAT(words("gpt-4o", "camelCase's 1234/x"), ElementsAre("camel", "Case's", " ", "123", "4", "/x"));
  EXPECT_THAT(words("tekken", "camelCase's 12"), ElementsAre("camel", "Case", "'s", " ", "1", "2"));
  EXPECT_THAT(words("deepseek-coder", "ab 12\n\u4e2d"), ElementsAre("ab", " ", "1", "2", "\n", "\u4e2d"));
  EXPECT_THAT(words("deepseek-v3", "a 1234\u4e2d\u6587"), ElementsAre("a", " ", "123", "4", "\u4e2d\u6587"));
  EXPECT_THAT(words("seed-coder", "a ==\nb"), ElementsAre("a", " ==", "\n", "b"));
  EXPECT_THAT(words("superbpe", "a 1234567"), ElementsAre("a ", "1", "234", "567"));
  EXPECT_THAT(words("default", "a...1234"), ElementsAre("a", "...", "123", "4"));
}

TEST(GgufPreTokenizer, KnowsWhatLlamaCppDoesWithMerges) {
  for (const char* name : {"llama-bpe", "llama3", "falcon3", "pixtral", "tekken", "glm4"})
    EXPECT_TRUE(gguf_pre_tokenizer(name, "").ignore_merges) << name;
  for (const char* name : {"smaug-bpe", "qwen2", "gpt-2", "gpt-4o", "deepseek-v3"})
    EXPECT_FALSE(gguf_pre_tokenizer(name, "").ignore_merges) << name;
  EXPECT_TRUE(gguf_pre_tokenizer("pixtral", "").adds_bos);
  EXPECT_FALSE(gguf_pre_tokenizer("qwen2", "").adds_bos);
  expect_error([] { (void)gguf_pre_tokenizer("kimi-k2", "m.gguf"); }, {"\"kimi-k2\"", "m.gguf", "deepseek-v3", "seed-coder"});
}

Json cut(const std::string& regex, const std::string& behavior, bool invert) {
  return Json::
      parse(R"({"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})")
          .patch({{{"op", "add"}, {"path", "/pretokenizers/0/pattern"}, {"value", {{"Regex", regex}}}},
                  {{"op", "add"}, {"path", "/pretokenizers/0/behavior"}, {"value", behavior}},
                  {{"op", "add"}, {"path", "/pretokenizers/0/invert"}, {"value", invert}}});
}

// Every name finds itself, or one that cuts alike, and a spelling that means the same is the same.
TEST(GgufPreTokenizer, IsFoundByWhatItDoes) {
  for (const char* name :
       {"gpt-2", "starcoder", "qwen2", "gpt-4o", "deepseek-llm", "deepseek-coder", "deepseek-v3", "seed-coder", "falcon"})
    EXPECT_THAT(gguf_pre_tokenizer_names(gguf_pre_tokenizer(name, "").pre_tokenizer, "test").merging, ElementsAre(name));
  const std::string llama3 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const auto inverted = gguf_pre_tokenizer_names(cut(llama3, "Removed", true), "test");
  EXPECT_THAT(inverted.merging, ElementsAre("smaug-bpe"));
  EXPECT_THAT(inverted.ignoring_merges, ElementsAre("llama-bpe", "glm4"));
  const std::string spelled =
      R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+)";
  EXPECT_THAT(gguf_pre_tokenizer_names(cut(spelled, "Isolated", false), "test").merging, IsEmpty()) << "spaces before a word differ";
  const std::string same = spelled.substr(0, spelled.size() - 3) + R"(\s+(?!\S)|\s+)";
  EXPECT_THAT(gguf_pre_tokenizer_names(cut(same, "Isolated", false), "test").merging, ElementsAre("qwen2"));
  EXPECT_THAT(gguf_pre_tokenizer_names(cut("[0-9]+", "Isolated", false), "test").merging, IsEmpty());
  EXPECT_THAT(gguf_pre_tokenizer_names(Json::parse(R"({"type": "Metaspace"})"), "test").merging, IsEmpty());
}

}  // namespace
}  // namespace iteralign
