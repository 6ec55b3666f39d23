// The parts of the tokenizer's pipeline, one by one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "core/random.h"
#include "iteralign/error.h"
#include "text/bpe.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "tokenizer_documents.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> cut(const std::string& pre_tokenizer, const std::string& text) {
  const Json json = Json::parse(pre_tokenizer);
  const Words words = PreTokenizer(JsonPart(json, "test")).apply(text, true);
  std::vector<std::string> pieces;
  for (const Range& word : words.words) pieces.push_back(words.text.substr(word.begin, word.end - word.begin));
  return pieces;
}

std::string normalized(const std::string& normalizer, const std::string& text) {
  const Json json = Json::parse(normalizer);
  MarkedText marked{text, {}};
  Normalizer(JsonPart(json, "test")).apply(marked);
  return marked.text;
}

// Expected pieces: `tokenizers` 0.23.
TEST(PreTokenizerTest, SplitBehaviors) {
  const auto split = [](const std::string& behavior, const char* invert) {
    return cut(R"({"type":"Split","pattern":{"String":"-"},"behavior":")" + behavior + R"(","invert":)" + invert + "}", "a--b-c-");
  };
  EXPECT_THAT(split("Removed", "false"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split("Isolated", "false"), ElementsAre("a", "-", "-", "b", "-", "c", "-"));
  EXPECT_THAT(split("MergedWithPrevious", "false"), ElementsAre("a-", "-", "b-", "c-"));
  EXPECT_THAT(split("MergedWithNext", "false"), ElementsAre("a", "-", "-b", "-c", "-"));
  EXPECT_THAT(split("Contiguous", "false"), ElementsAre("a", "--", "b", "-", "c", "-"));
  EXPECT_THAT(split("Removed", "true"), ElementsAre("-", "-", "-", "-"));
}

TEST(PreTokenizerTest, DigitsAloneOrTogether) {
  EXPECT_THAT(cut(R"({"type":"Digits","individual_digits":true})", "a12²b"), ElementsAre("a", "1", "2", "²", "b"));
  EXPECT_THAT(cut(R"({"type":"Digits","individual_digits":false})", "a12²b3"), ElementsAre("a", "12²", "b", "3"));
}

TEST(PreTokenizerTest, ByteLevelSplitsAsGpt2) {
  EXPECT_THAT(cut(R"({"type":"ByteLevel","add_prefix_space":false})", "I'll go  now 12!\n"),
              ElementsAre("I", "'ll", " go", " ", " now", " 12", "!", "\n"));
  EXPECT_THAT(cut(R"({"type":"ByteLevel","add_prefix_space":true})", "go"), ElementsAre(" go"));
}

TEST(PreTokenizerTest, ByteLevelInTheMiddleMapsItsBytes) {
  EXPECT_THAT(cut(R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false},{"type":"Digits"}]})", " é1"),
              ElementsAre("ĠÃ©", "1"));
}

TEST(PreTokenizerTest, MetaspaceSchemes) {
  EXPECT_THAT(cut(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always"})", "a b"), ElementsAre("▁a", "▁b"));
  EXPECT_THAT(cut(R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false})", "a b"), ElementsAre("a▁b"));
  EXPECT_THAT(cut(R"({"type":"Metaspace","replacement":"▁","add_prefix_space":false})", "a b"), ElementsAre("a", "▁b"));
  const Tokenizer first = Tokenizer::from_json(metaspace_document(), Json::object(), "test");
  EXPECT_THAT(tokens(first, "a<s>a"), ElementsAre("▁a", "<s>", "a")) << "only the piece at the start of the text";
}

TEST(PreTokenizerTest, UnicodeNewerThanTheRegexLibraryIsClassified) {
  const std::string letters = R"({"type":"Split","pattern":{"Regex":"\\p{L}+"},"behavior":"Isolated","invert":false})";
  EXPECT_THAT(cut(letters, "-\U00013460\U00010D4A-"), ElementsAre("-", "\U00013460\U00010D4A", "-")) << "letters of Unicode 16";
  EXPECT_THAT(cut(R"({"type":"Split","pattern":{"Regex":"\\s+"},"behavior":"Isolated","invert":false})", "a\u180E\u2003b"),
              ElementsAre("a\u180E", "\u2003", "b"));
  EXPECT_THAT(cut(R"({"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Removed","invert":true})", "a\u0301_b Ⓐ-²"),
              ElementsAre("a\u0301_b", "Ⓐ", "²"));
}

TEST(PreTokenizerTest, ExpressionsThatWouldMeanSomethingElseAreRefused) {
  for (const char* regex : {R"(\\p{N}{1,3}+)", R"([a-z&&[^b]])", R"((?m:.))", R"(\\X)", R"([\\W])", R"((a)", R"(a\\)"}) {
    const std::string part = R"({"type":"Split","pattern":{"Regex":")" + std::string(regex) + R"("},"behavior":"Isolated"})";
    try {
      cut(part, "a");
      ADD_FAILURE() << regex << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("pattern.Regex")) << regex;
    }
  }
}

TEST(NormalizerTest, FormsOfUnicode) {
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "e\u0301 \u1100\u1161 plain a\u0323\u0301"), "é 가 plain ạ\u0301");
  EXPECT_EQ(normalized(R"({"type":"NFD"})", "é가"), "e\u0301\u1100\u1161");
  EXPECT_EQ(normalized(R"({"type":"NFKC"})", "ﬁ Ａ"), "fi A");
  EXPECT_EQ(normalized(R"({"type":"NFKD"})", "ﬁ é"), "fi e\u0301");
  EXPECT_EQ(normalized(R"({"type":"Lowercase"})", "ÄB İ"), "äb i\u0307");
  EXPECT_EQ(normalized(R"({"type":"Lowercase"})", "\uA7CB \U00010D59"), "\u0264 \U00010D79") << "letters of Unicode 16";
  EXPECT_EQ(normalized(R"({"type":"Strip","strip_left":true,"strip_right":false})", " \u3000a "), "a ");
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "\uC854\u11A7 \uC854\u11A8"), "\uC854\u11A7 \uC855") << "no final consonant, and one";
  EXPECT_EQ(normalized(R"({"type":"NFC"})", "a\u0898\u0301"), "a\u0898\u0301") << "a mark that the reference does not know yet";
}

TEST(NormalizerTest, RemembersWhatIsInput) {
  const Json json = Json::parse(R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"__"},{"type":"NFC"},
                                    {"type":"Replace","pattern":{"String":"bb"},"content":"c"}]})");
  MarkedText text{"xe\u0301bby", std::string("\0\0\1\1\0\1\0", 7)};
  Normalizer(JsonPart(json, "test")).apply(text);
  EXPECT_EQ(text.text, "__xécy");
  EXPECT_EQ(text.marks, std::string("\0\0\0\1\1\1\0", 7));
}

// What takes quadratic work for this text does not end before ctest's limit of a test.
TEST(NormalizerTest, ReplacesAsOftenAsOneLikes) {
  const std::string spaces(8'000'000, ' ');
  for (const char* pattern : {R"({"String":" "})", R"({"Regex":" "})"}) {
    const std::string text = normalized(std::string(R"({"type":"Replace","content":"▁","pattern":)") + pattern + "}", spaces);
    EXPECT_EQ(text.size(), 3 * spaces.size());
    EXPECT_TRUE(text.starts_with("▁▁") && text.ends_with("▁▁"));
  }
  const Json json = Json::parse(R"({"type":"Replace","pattern":{"String":"  "},"content":"_"})");
  MarkedText marked{spaces, std::string(spaces.size(), '\1')};
  Normalizer(JsonPart(json, "test")).apply(marked);
  EXPECT_EQ(marked.text, std::string(spaces.size() / 2, '_'));
  EXPECT_EQ(marked.marks.size(), marked.text.size());
}

// Merging by its definition: the pair of the lowest rank, the leftmost of these, until there is none.
std::vector<std::string> merge_slowly(std::vector<std::string> symbols, const std::vector<std::pair<std::string, std::string>>& merges) {
  for (;;) {
    std::optional<std::size_t> best, best_rank;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = std::find(merges.begin(), merges.end(), std::pair(symbols[i], symbols[i + 1]));
      const auto rank = static_cast<std::size_t>(found - merges.begin());
      if (found != merges.end() && (!best || rank < *best_rank)) best = i, best_rank = rank;
    }
    if (!best) return symbols;
    symbols[*best] += symbols[*best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(*best) + 1);
  }
}

TEST(BpeTest, ShortAndLongWordsMergeByTheDefinition) {
  Random random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> vocab = {"a", "b", "c", "▁"};
    std::vector<std::pair<std::string, std::string>> merges;
    for (int i = 0; i < 25; ++i) {
      const std::string left = vocab[random.below(vocab.size())], right = vocab[random.below(vocab.size())];
      if (std::find(merges.begin(), merges.end(), std::pair(left, right)) != merges.end()) continue;
      merges.emplace_back(left, right);
      if (std::find(vocab.begin(), vocab.end(), left + right) == vocab.end()) vocab.push_back(left + right);
    }
    TokenizerDocument document{Json::object(), {}, merges};
    for (std::size_t i = 0; i < vocab.size(); ++i) document.vocab.emplace_back(vocab[i], static_cast<std::int32_t>(i));
    const Json model = {{"type", "BPE"}};
    const Bpe bpe(document, JsonPart(model, "test"), false, {});
    for (const std::size_t length : {1U, 2U, 7U, 47U, 48U, 49U, 300U}) {
      std::vector<std::string> characters;
      std::string word;
      for (std::size_t i = 0; i < length; ++i) word += characters.emplace_back(vocab[random.below(4)]);
      std::vector<std::int32_t> ids;
      bpe.encode(word, ids);
      std::vector<std::string> pieces;
      for (const std::int32_t id : ids) pieces.push_back(vocab[static_cast<std::size_t>(id)]);
      EXPECT_EQ(pieces, merge_slowly(characters, merges)) << word;
    }
  }
}

}  // namespace
}  // namespace iteralign
