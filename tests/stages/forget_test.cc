#include "stages/forget.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

std::string request(const std::string& schema) {
  return R"({"messages":[{"role":"user","content":"about \"rice\""}],"response_format":{"json_schema":{"name":")" + schema + R"("}}})";
}

bool nothing(const std::string& schema, const std::string& text, ReplyStatus status = ReplyStatus::answered) {
  return gave_nothing(request(schema), {status, text, 0, 0, true});
}

TEST(Forget, WhatGaveNoVerdictAndNoList) {
  EXPECT_FALSE(nothing("verdict", R"({"verdict":"negative",})"));
  EXPECT_FALSE(nothing("verdict", R"({"verdict":"unjudgeable"})"));
  EXPECT_TRUE(nothing("verdict", R"({"refused":"yes"})"));
  EXPECT_FALSE(nothing("refusal", R"({"refused":"yes"})"));
  EXPECT_FALSE(nothing("verdict", "yes"));  // to the question of prompts/small/
  EXPECT_TRUE(nothing("verdict", ""));
  EXPECT_TRUE(nothing("verdict", R"({"verdict":"negative"})", ReplyStatus::truncated));
  EXPECT_TRUE(nothing("verdict", "no", ReplyStatus::refused));
  EXPECT_FALSE(nothing("principles", R"([{"text":"t","cases":[1]}])"));
  EXPECT_TRUE(nothing("principles", "Be good."));
  EXPECT_FALSE(nothing("twins", R"({"twins":[{"case":1,"prompt":"p"}]})"));
  EXPECT_TRUE(gave_nothing("{}", {ReplyStatus::answered, " ", 0, 0, true}));
  EXPECT_FALSE(gave_nothing("{}", {ReplyStatus::answered, "words", 0, 0, true}));
}

TEST(Forget, ByTheTextOfQuestionOrAnswer) {
  const OracleReply reply{ReplyStatus::answered, "wheat", 0, 0, true};
  EXPECT_TRUE(holds_text(request("verdict"), reply, "\"rice\""));
  EXPECT_TRUE(holds_text(request("verdict"), reply, "whea"));
  EXPECT_FALSE(holds_text(request("verdict"), reply, "rye"));
}

}  // namespace
}  // namespace iteralign
