#include "oracle/chat_body.h"

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
  EXPECT_EQ(parse_endpoint("https://h/v1?key=${NAME}").base, "https://h/v1?key=${NAME}");
  EXPECT_TRUE(parse_endpoint("https://h/v1").https);
}

TEST(Endpoint, Loopback) {
  for (const char* url : {"http://127.0.0.1:1/v1", "http://localhost", "http://[::1]:80/v1", "http://0.0.0.0:8000"})
    EXPECT_TRUE(parse_endpoint(url).loopback) << url;
  for (const char* url : {"http://127.evil.com/v1", "http://localhost.evil.com", "https://api.openai.com/v1"})
    EXPECT_FALSE(parse_endpoint(url).loopback) << url;
}

TEST(Endpoint, NoAddress) {
  for (const char* url : {"",
                          "keyword",
                          "host:8000",
                          "ftp://host",
                          "http://",
                          "http:///v1",
                          "http://user:pw@host/v1",
                          "http://host/a b",
                          "http://host/#x",
                          "localhost:8000/v1",
                          "http:/host/v1",
                          "http://host:0/v1",
                          "http://host:65536/v1",
                          "http://host:80a/v1",
                          "http://host:/v1",
                          "http://::1/v1",
                          "http://[::1/v1",
                          "https://<resource>.openai.azure.com",
                          "https://your-resource.openai.azure.com/openai/v1",
                          "https://{host}/v1",
                          "https://a..b/v1",
                          "https://.host/v1",
                          "https://http://host/v1",
                          "http://host/v1/completions",
                          "http://host/v1/responses",
                          "http://host/api/chat",
                          "https://host/v1?api-version=<version>"})
    EXPECT_THROW(parse_endpoint(url), Error) << url;
}

TEST(ChatBody, FieldsAreThoseOfTheProtocol) {
  const auto body = Json::parse(chat_body({"m", "max_tokens", true}, request(), {}));
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
  const auto body = Json::parse(chat_body({"", "max_completion_tokens", false}, asked, {.schema = SchemaSupport::json_object}));
  EXPECT_FALSE(body.contains("model"));
  EXPECT_FALSE(body.contains("temperature"));
  EXPECT_EQ(body["max_completion_tokens"], 512);
  EXPECT_EQ(body["response_format"]["type"], "json_object");
  EXPECT_EQ(body["seed"], 2);
  EXPECT_FALSE(Json::parse(chat_body({}, asked, {.schema = SchemaSupport::none})).contains("response_format"));
}

TEST(ChatBody, BytesThatAreNotUtf8DoNotThrow) {
  auto asked = request();
  asked.messages[1].content = "\xff\xfe";
  EXPECT_NO_THROW(Json::parse(chat_body({}, asked, {.schema = SchemaSupport::none})));
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

TEST(ChatBody, WhatTheServerTakes) {
  auto asked = request();
  asked.repeat = 1;
  const auto body = [&](const Dialect& dialect, const ChatOptions& options = {}) {
    return Json::parse(chat_body(options, asked, dialect));
  };
  EXPECT_FALSE(body({.temperature = TemperatureSupport::none}).contains("temperature"));
  EXPECT_EQ(body({.temperature = TemperatureSupport::above_zero})["temperature"], 0.01);
  EXPECT_FALSE(body({.without_seed = true}).contains("seed"));
  EXPECT_EQ(body({.length = LengthField::other})["max_completion_tokens"], 512);
  EXPECT_EQ(body({.length = LengthField::other}, {.max_tokens_field = "max_completion_tokens"})["max_tokens"], 512);
  const auto without = body({.length = LengthField::none});
  EXPECT_FALSE(without.contains("max_tokens") || without.contains("max_completion_tokens"));
  EXPECT_EQ(body({}, {.reply_max_tokens = 9000})["max_tokens"], 9000);
  EXPECT_EQ(body({.system = SystemRole::developer})["messages"][0]["role"], "developer");
  const auto merged = body({.system = SystemRole::user})["messages"];
  ASSERT_EQ(merged.size(), 1U);
  EXPECT_EQ(merged[0]["role"], "user");
  EXPECT_EQ(merged[0]["content"], "s\n\nu");
}

TEST(ChatBody, ExtraFieldsGoOverTheOthers) {
  const ChatOptions options{.model = "m", .extra_fields = R"({"temperature":null,"max_tokens":9,"provider":{"order":["a","b"]}})"};
  const auto body = Json::parse(chat_body(options, request(), {}));
  EXPECT_FALSE(body.contains("temperature"));
  EXPECT_EQ(body["max_tokens"], 9);
  EXPECT_EQ(body["provider"]["order"][1], "b");
  EXPECT_NE(reply_key("s", options, request()), reply_key("s", {.model = "m"}, request()));
}

TEST(ReplyKey, IsThatOfRepliesThatWerePaidBefore) {
  EXPECT_EQ(chat_body({.model = "m"}, request(), {}),
            R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"temperature":0.0,"max_tokens":512,)"
            R"("response_format":{"type":"json_schema","json_schema":{"name":"verdict","strict":true,"schema":{"type":"object",)"
            R"("properties":{"verdict":{"type":"string"}}}}}})");
}

}  // namespace
}  // namespace iteralign
