#include "text/answer_stream.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "core/random.h"
#include "text/stop_strings.h"
#include "tokenizer_documents.h"

namespace iteralign {
namespace {

Tokenizer streamed_tokenizer() {
  Json document = byte_level_document();
  document["added_tokens"] = {added("<|im_start|>", {"special"}), added("<note>", {})};
  return Tokenizer::from_json(document, Json::object(), "test");
}

// The pieces that are told of these tokens, as generation tells them: it ends where a stop string does.
std::vector<std::string> pieces_of(const Tokenizer& tokenizer, const std::vector<TokenId>& ids, const std::vector<std::string>& stop,
                                   std::string& text) {
  AnswerStream stream(tokenizer, stop);
  std::vector<std::string> pieces;
  std::vector<TokenId> answer;
  for (const TokenId id : ids) {
    answer.push_back(id);
    text = tokenizer.decode(answer, true);
    if (cut_at_stop(tokenizer, answer, stop, text)) break;
    if (answer.size() < ids.size()) pieces.push_back(stream.push(id));
  }
  pieces.push_back(stream.finish(text));
  return pieces;
}

std::vector<std::string> pieces_of(const std::string& written, const std::vector<std::string>& stop) {
  const Tokenizer tokenizer = streamed_tokenizer();
  std::string text;
  return pieces_of(tokenizer, tokenizer.encode(written, false), stop, text);
}

using Pieces = std::vector<std::string>;

TEST(AnswerStream, GivesWhatIsFinal) {
  EXPECT_EQ(pieces_of("abc", {}), (Pieces{"a", "b", "c"}));
  EXPECT_EQ(pieces_of("é!", {}), (Pieces{"", "é", "!"})) << "half a character waits for the other";
  std::string text;
  EXPECT_EQ(pieces_of(streamed_tokenizer(), {'a', 0xC3}, {}, text), (Pieces{"a", "\uFFFD"}))
      << "what the length limit cuts is told at the end";
}

TEST(AnswerStream, NothingOfAStopStringIsGiven) {
  EXPECT_EQ(pieces_of("ab..c", {"..c"}), (Pieces{"a", "b", "", "", ""}));
  EXPECT_EQ(pieces_of("ab..d", {"..c"}), (Pieces{"a", "b", "", "", "..d"}));
  EXPECT_EQ(pieces_of("a...cd", {"..c"}), (Pieces{"a", "", "", ".", ""})) << "the first dot is none of it";
  EXPECT_EQ(pieces_of("aab", {"aab", "b"}), (Pieces{"", "", ""}));
}

TEST(AnswerStream, BehindASpecialTokenAStopStringMayHaveBegunUnseen) {
  EXPECT_EQ(pieces_of("a<|im_start|>bc", {}), (Pieces{"a", "", "b", "c"}));
  EXPECT_EQ(pieces_of("a<|im_start|>bcd", {"|>bc"}), (Pieces{"a", "", "", ""}));
  EXPECT_EQ(pieces_of("a<|im_start|>bd", {"|>bc"}), (Pieces{"a", "", "", "bd"}));
}

TEST(AnswerStream, AllPiecesJoinedAreTheText) {
  const Tokenizer byte_level = streamed_tokenizer(), llama = Tokenizer::from_json(llama2_document(), Json::object(), "test");
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    const Tokenizer& tokenizer = round % 2 == 0 ? byte_level : llama;
    std::vector<TokenId> few, ids;  // of few tokens, so that stop strings come about
    for (int i = 0; i < 4; ++i) few.push_back(static_cast<TokenId>(random.below(static_cast<std::uint64_t>(tokenizer.size()))));
    for (int i = 0; i < 12; ++i) ids.push_back(few[random.below(few.size())]);
    std::vector<std::string> stop;
    for (std::uint64_t n = random.below(3); n > 0; --n) {
      const std::string part = tokenizer.decode(std::span(ids).subspan(random.below(6), 1 + random.below(3)), random.below(2) == 0);
      if (!part.empty()) stop.push_back(part);
    }
    std::string text, joined;
    for (const std::string& piece : pieces_of(tokenizer, ids, stop, text)) {
      EXPECT_NO_THROW(Json(piece).dump()) << "a piece is whole characters";
      joined += piece;
    }
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace iteralign
