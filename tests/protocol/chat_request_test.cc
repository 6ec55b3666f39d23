#include "protocol/chat_request.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

ChatRequest request() {
  return {.model = "m",
          .messages = {{"system", "s"}, {"user", "\"u\"\n"}},
          .temperature = 0.5,
          .max_tokens = 9,
          .seed = 2,
          .format = ReplyFormat::json_schema,
          .schema_name = "verdict",
          .schema = R"({"type":"object"})"};
}

TEST(ChatRequest, FieldsAreThoseOfTheProtocol) {
  EXPECT_EQ(dump_json(to_json(request())),
            R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"\"u\"\n"}],"temperature":0.5,)"
            R"("max_tokens":9,"seed":2,"response_format":{"type":"json_schema","json_schema":{"name":"verdict","strict":true,)"
            R"("schema":{"type":"object"}}}})");
  EXPECT_EQ(dump_json(to_json({.model = {}, .messages = {{"user", "u"}}})), R"({"messages":[{"role":"user","content":"u"}]})");
}

TEST(ChatRequest, WhatIsWrittenIsReadAsItWasMeant) {
  const auto read = read_chat_request(dump_json(to_json(request())));
  ASSERT_TRUE(std::holds_alternative<ChatRequest>(read));
  const auto& found = std::get<ChatRequest>(read);
  EXPECT_EQ(found.model, "m");
  EXPECT_EQ(found.messages, request().messages);
  EXPECT_EQ(found.format, ReplyFormat::json_schema);
  EXPECT_EQ(found.schema_name, "verdict");
  for (const ReplyFormat format : {ReplyFormat::text, ReplyFormat::json_object}) {
    const auto other = read_chat_request(dump_json(to_json({.model = {}, .messages = {{"user", "u"}}, .format = format})));
    ASSERT_TRUE(std::holds_alternative<ChatRequest>(other));
    EXPECT_EQ(std::get<ChatRequest>(other).format, format);
  }
}

TEST(ChatRequest, WhatIsNoneIsAnsweredWithAnErrorOfTheProtocol) {
  for (const char* body : {"", "no json", "[]", "{}", R"({"messages":[]})", R"({"messages":[{"role":"user"}]})", R"({"messages":["x"]})"}) {
    const auto read = read_chat_request(body);
    ASSERT_TRUE(std::holds_alternative<ChatError>(read)) << body;
    const Json error = to_json(std::get<ChatError>(read))["error"];
    EXPECT_EQ(std::get<ChatError>(read).status, 400);
    EXPECT_EQ(error["type"], "invalid_request_error");
    EXPECT_TRUE(error["code"].is_null());
    EXPECT_FALSE(error["message"].get<std::string>().empty());
  }
}

}  // namespace
}  // namespace iteralign
