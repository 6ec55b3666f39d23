#include "text/stop_strings.h"

#include <gtest/gtest.h>

#include "tokenizer_documents.h"

namespace iteralign {
namespace {

TEST(StopStrings, TheFirstOneCounts) {
  EXPECT_EQ(find_stop("a b c", {"c", "b"}), 2U);
  EXPECT_EQ(find_stop("a b c", {"d"}), std::string::npos);
  EXPECT_EQ(find_stop("a b c", {}), std::string::npos);
}

struct Answer {
  bool stopped;
  std::string text;
  bool operator==(const Answer&) const = default;
};

// What generation does with the tokens of this text.
Answer cut_answer(const std::string& written, const std::vector<std::string>& stop) {
  Json document = byte_level_document();
  document["added_tokens"] = {added("<|im_start|>", {"special"}), added("<|im_end|>", {"special"}), added("<note>", {})};
  const Tokenizer tokenizer = Tokenizer::from_json(document, Json::object(), "test");
  const auto ids = tokenizer.encode(written, false);
  Answer answer{false, tokenizer.decode(ids, true)};
  answer.stopped = cut_at_stop(tokenizer, ids, stop, answer.text);
  return answer;
}

TEST(StopStrings, PlainText) {
  EXPECT_EQ(cut_answer("one. Two", {"."}), (Answer{true, "one"}));
  EXPECT_EQ(cut_answer("one. Two", {"?"}), (Answer{false, "one. Two"}));
  EXPECT_EQ(cut_answer("one<note>two", {"<note>"}), (Answer{true, "one"}));
}

TEST(StopStrings, ASpecialTokenIsStoppedAtThoughNoTextShowsIt) {
  EXPECT_EQ(cut_answer("hi<|im_start|>", {"<|im_start|>"}), (Answer{true, "hi"}));
  EXPECT_EQ(cut_answer("<|im_start|>", {"<|im_start|>"}), (Answer{true, ""}));
  EXPECT_EQ(cut_answer("a<|im_end|>b<|im_start|>", {"<|im_start|>"}), (Answer{true, "ab"})) << "other special tokens stay hidden";
  EXPECT_EQ(cut_answer("a<|im_start|>", {}), (Answer{false, "a"}));
  EXPECT_EQ(cut_answer("a<|im_start|>", {"<|im_end|>"}), (Answer{false, "a"}));
}

TEST(StopStrings, AStopStringMayTouchASpecialToken) {
  EXPECT_EQ(cut_answer("hi\n<|im_end|>", {"\n<|im_end|>"}), (Answer{true, "hi"}));
  EXPECT_EQ(cut_answer("hi<|im_start|>user", {"start|>user"}), (Answer{true, "hi"}));
  EXPECT_EQ(cut_answer("\u00e9\u00e9<|im_start|>", {"\u00e9<|im_start|>"}), (Answer{true, "\u00e9"}));
}

}  // namespace
}  // namespace iteralign
