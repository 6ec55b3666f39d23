#include "oracle/chat_protocol.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "iteralign/error.h"
#include "oracle/endpoint.h"

namespace iteralign {
namespace {

OracleRequest request() {
  OracleRequest made;
  made.messages = {{"system", "s"}, {"user", "u"}};
  made.schema_name = "verdict";
  made.schema = R"({"type":"object","properties":{"verdict":{"type":"string"}}})";
  return made;
}

TEST(Endpoint, WhatPeopleWriteIsOneAddress) {
  for (const char* url : {"http://Host:8000", "http://host:8000/", "http://host:8000/v1", "http://host:8000/v1/",
                          "HTTP://host:8000/v1/chat/completions", " http://host:8000/v1/chat/completions/ "}) {
    const auto endpoint = parse_endpoint(url);
    EXPECT_EQ(endpoint.base, "http://host:8000/v1") << url;
    EXPECT_EQ(endpoint.url, "http://host:8000/v1/chat/completions") << url;
  }
  EXPECT_EQ(parse_endpoint("https://h/openai/deployments/d?api-version=1").url,
            "https://h/openai/deployments/d/chat/completions?api-version=1");
}

TEST(Endpoint, Loopback) {
  for (const char* url : {"http://127.0.0.1:1/v1", "http://localhost", "http://[::1]:80/v1"})
    EXPECT_TRUE(parse_endpoint(url).loopback) << url;
  for (const char* url : {"http://127.evil.com/v1", "http://localhost.evil.com", "https://api.openai.com/v1"})
    EXPECT_FALSE(parse_endpoint(url).loopback) << url;
}

TEST(Endpoint, NoAddress) {
  for (const char* url :
       {"", "keyword", "host:8000", "ftp://host", "http://", "http:///v1", "http://user:pw@host/v1", "http://host/a b", "http://host/#x"})
    EXPECT_THROW(parse_endpoint(url), Error) << url;
}

TEST(ChatBody, FieldsAreThoseOfTheProtocol) {
  const auto body = Json::parse(chat_body({"m", "max_tokens", true}, request(), SchemaSupport::json_schema));
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["messages"][1]["content"], "u");
  EXPECT_EQ(body["temperature"], 0.0);
  EXPECT_EQ(body["max_tokens"], 512);
  EXPECT_EQ(body["response_format"]["json_schema"]["name"], "verdict");
  EXPECT_EQ(body["response_format"]["json_schema"]["strict"], true);
  EXPECT_EQ(body["response_format"]["json_schema"]["schema"]["type"], "object");
  EXPECT_FALSE(body.contains("seed"));
}

TEST(ChatBody, Options) {
  auto asked = request();
  asked.repeat = 2;
  const auto body = Json::parse(chat_body({"", "max_completion_tokens", false}, asked, SchemaSupport::json_object));
  EXPECT_FALSE(body.contains("model"));
  EXPECT_FALSE(body.contains("temperature"));
  EXPECT_EQ(body["max_completion_tokens"], 512);
  EXPECT_EQ(body["response_format"]["type"], "json_object");
  EXPECT_EQ(body["seed"], 2);
  EXPECT_FALSE(Json::parse(chat_body({}, asked, SchemaSupport::none)).contains("response_format"));
}

TEST(ChatBody, BytesThatAreNotUtf8DoNotThrow) {
  auto asked = request();
  asked.messages[1].content = "\xff\xfe";
  EXPECT_NO_THROW(Json::parse(chat_body({}, asked, SchemaSupport::none)));
}

TEST(ReplyKey, EverythingThatTheReplyDependsOn) {
  const ChatOptions chat{"m", "max_tokens", true};
  const std::string key = reply_key("s", chat, request());
  EXPECT_EQ(key, reply_key("s", chat, request()));
  auto other = request();
  other.repeat = 1;
  EXPECT_NE(key, reply_key("s", chat, other));
  other = request();
  other.temperature = 0.5;
  EXPECT_NE(key, reply_key("s", chat, other));
  other = request();
  other.schema = R"({"type":"string"})";
  EXPECT_NE(key, reply_key("s", chat, other));
  other = request();
  other.max_tokens = 1;
  EXPECT_NE(key, reply_key("s", chat, other));
  EXPECT_NE(key, reply_key("t", chat, request()));
  EXPECT_NE(key, reply_key("s", {"n", "max_tokens", true}, request()));
}

TEST(ChatReply, Answered) {
  const auto reply = parse_chat_reply(
      R"({"choices":[{"message":{"content":"hi","reasoning_content":"hm"},"finish_reason":"stop","extra":1}],"usage":{"prompt_tokens":3,"completion_tokens":4}})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, ReplyStatus::answered);
  EXPECT_EQ(reply->text, "hi");
  EXPECT_EQ(reply->prompt_tokens, 3);
  EXPECT_EQ(reply->completion_tokens, 4);
}

TEST(ChatReply, ContentInParts) {
  const auto reply = parse_chat_reply(R"({"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "ab");
}

TEST(ChatReply, HowItEnded) {
  EXPECT_EQ(parse_chat_reply(R"({"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]})")->status,
            ReplyStatus::refused);
  EXPECT_EQ(parse_chat_reply(R"({"choices":[{"message":{"content":null,"refusal":"no"}}]})")->text, "no");
  EXPECT_EQ(parse_chat_reply(R"({"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]})")->status,
            ReplyStatus::filtered);
  EXPECT_EQ(parse_chat_reply(R"({"choices":[{"message":{"content":"{"},"finish_reason":"length"}]})")->status, ReplyStatus::truncated);
  EXPECT_EQ(parse_chat_reply(R"({"choices":[{"message":{"content":"x"},"finish_reason":"novel"}]})")->status, ReplyStatus::answered);
}

TEST(ChatReply, Malformed) {
  for (const char* body : {"", "<html>", "[]", "{}", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[1]})", R"({"choices":[{}]})",
                           R"({"choices":[{"message":"x"}]})", R"({"choices":[{"message":{"content":"x"}}])"})
    EXPECT_FALSE(parse_chat_reply(body)) << body;
}

TEST(ServerError, Forms) {
  EXPECT_EQ(parse_server_error(R"({"error":{"message":"m","type":"t","param":"p","code":"c"}})").code, "c");
  EXPECT_EQ(parse_server_error(R"({"object":"error","message":"m","code":400})").status, 400);
  EXPECT_EQ(parse_server_error(R"({"error":{"code":503,"message":"Loading model"}})").message, "Loading model");
  EXPECT_EQ(parse_server_error(R"({"error":"text"})").message, "text");
  EXPECT_EQ(parse_server_error("Bad gateway").message, "Bad gateway");
  EXPECT_LE(parse_server_error(std::string(100000, 'x')).message.size(), 2100U);
  EXPECT_TRUE(error_in_success(R"({"error":{"message":"m","code":429}})"));
  EXPECT_FALSE(error_in_success(R"({"choices":[],"error":null})"));
}

}  // namespace
}  // namespace iteralign
