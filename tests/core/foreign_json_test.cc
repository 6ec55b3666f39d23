#include <gtest/gtest.h>

#include "core/foreign_json.h"

namespace iteralign {
namespace {

TEST(ForeignJson, WholeTextIsReadAsItIs) { EXPECT_EQ(parse_foreign_json(R"({"a": "\ud83d\ude00 \\ud83d é"})")["a"], "😀 \\ud83d é"); }

TEST(ForeignJson, HalfCharactersAreReplaced) {
  EXPECT_EQ(parse_foreign_json(R"(["cut \ud83d"])")[0], "cut \uFFFD");
  EXPECT_EQ(parse_foreign_json(R"(["\uDE00 tail, \ud83d\ud83d\ude00"])")[0], "\uFFFD tail, \uFFFD😀");
  EXPECT_EQ(parse_foreign_json(R"(["\\ud83d and \ud83d"])")[0], "\\ud83d and \uFFFD");
}

TEST(ForeignJson, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(parse_foreign_json("[\"caf\xE9\"]")[0], "caf\uFFFD");
  EXPECT_EQ(parse_foreign_json("[\"\xE2\x80\"]")[0], "\uFFFD\uFFFD");
}

TEST(ForeignJson, HowDeep) {
  const std::string deep(100000, '[');
  EXPECT_TRUE(parse_foreign_json(deep + std::string(100000, ']')).is_discarded());
  EXPECT_EQ(parse_foreign_json("[\"" + deep + "\\\"\"]")[0], deep + "\"");  // in a text they are letters
}

TEST(ForeignJson, WhatIsNoJsonIsDiscarded) {
  for (const char* text : {"", "<html>", "{\"a\": ", "[1,]", "\\ud83d"}) EXPECT_TRUE(parse_foreign_json(text).is_discarded()) << text;
}

}  // namespace
}  // namespace iteralign
