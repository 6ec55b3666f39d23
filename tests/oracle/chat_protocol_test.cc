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

OracleReply reply_in(const std::string& body) {
  const ChatReply parsed = parse_chat_reply(body);
  EXPECT_TRUE(parsed.reply) << body;
  EXPECT_FALSE(parsed.error) << body;
  return parsed.reply.value_or(OracleReply{});
}

TEST(ChatReply, Answered) {
  const auto reply = reply_in(
      R"({"choices":[{"message":{"content":"hi","reasoning_content":"hm"},"finish_reason":"stop","extra":1}],"usage":{"prompt_tokens":3,"completion_tokens":4}})");
  EXPECT_EQ(reply.status, ReplyStatus::answered);
  EXPECT_EQ(reply.text, "hi");
  EXPECT_EQ(reply.prompt_tokens, 3);
  EXPECT_EQ(reply.completion_tokens, 4);
}

TEST(ChatReply, WhereTheAnswerStands) {
  for (const char* message :
       {R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})", R"({"content":["a","b"]})",
        R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"no"}]},{"type":"text","text":"ab"}]})",
        R"({"content":null,"tool_calls":[{"type":"function","function":{"name":"f","arguments":"ab"}}]})",
        R"({"content":"","function_call":{"name":"f","arguments":"ab"}})", R"({"content":null,"reasoning_content":"ab"})",
        R"({"content":" ","reasoning":"ab"})", R"({"content":"ab","refusal":""})", R"({"content":"ab","refusal":null})"})
    EXPECT_EQ(reply_in(R"({"choices":[{"finish_reason":"stop","message":)" + std::string(message) + "}]}").text, "ab") << message;
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":{"verdict":"negative"}}}]})").text, R"({"verdict":"negative"})");
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":null,"tool_calls":[{"function":{"arguments":{"a":1}}}]}}]})").text, R"({"a":1})");
  EXPECT_EQ(reply_in(R"({"choices":[{"text":"ab","finish_reason":"stop"}]})").text, "ab");
}

TEST(ChatReply, ThoughtThatWasCutIsNoAnswer) {
  const auto reply = reply_in(R"({"choices":[{"message":{"content":null,"reasoning_content":"negative"},"finish_reason":"length"}]})");
  EXPECT_EQ(reply.status, ReplyStatus::truncated);
  EXPECT_EQ(reply.text, "");
}

TEST(ChatReply, HowItEnded) {
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]})").status, ReplyStatus::refused);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":null,"refusal":"no"}}]})").text, "no");
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":[{"type":"refusal","refusal":"no"}]}}]})").status, ReplyStatus::refused);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"{"},"finish_reason":"length"}]})").status, ReplyStatus::truncated);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"{"},"finish_reason":"MAX_TOKENS"}]})").status, ReplyStatus::truncated);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"x"},"finish_reason":"novel"}]})").status, ReplyStatus::answered);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"x"},"finish_reason":null}]})").status, ReplyStatus::answered);
}

TEST(ChatReply, Filters) {
  for (const char* choice :
       {R"({"message":{"content":""},"finish_reason":"content_filter"})", R"({"message":null,"finish_reason":"content_filter"})",
        R"({"finish_reason":"content_filter","content_filter_results":{"hate":{"filtered":true}}})", R"({"finish_reason":"SAFETY"})",
        R"({"index":0,"finish_reason":"content_filter: PROHIBITED_CONTENT"})",
        R"({"message":{"content":null},"finish_reason":"sensitive"})", R"({"message":{},"finish_reason":"guardrail_intervened"})"})
    EXPECT_EQ(reply_in(R"({"choices":[)" + std::string(choice) + "]}").status, ReplyStatus::filtered) << choice;
}

TEST(ChatReply, TextThatWasCutInsideACharacter) {
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"cut \ud83d"}}]})").text, "cut \uFFFD");
  EXPECT_EQ(reply_in("{\"choices\":[{\"message\":{\"content\":\"caf\xE9\"}}]}").text, "caf\uFFFD");
}

TEST(ChatReply, CountsOfTokens) {
  const auto tokens = [](const std::string& usage) {
    const auto reply = reply_in(R"({"choices":[{"message":{"content":"x"}}],"usage":)" + usage + "}");
    return std::pair(reply.prompt_tokens, reply.completion_tokens);
  };
  EXPECT_EQ(tokens(R"({"prompt_tokens":100.0,"completion_tokens":20.0})"), std::pair(100, 20));
  EXPECT_EQ(tokens(R"({"prompt_tokens":"100","completion_tokens":"20"})"), std::pair(100, 20));
  for (const char* usage : {"null", "{}", "7", R"({"prompt_tokens":null,"completion_tokens":null})",
                            R"({"prompt_tokens":-1,"completion_tokens":-5})", R"({"prompt_tokens":"many","completion_tokens":[1]})"})
    EXPECT_EQ(tokens(usage), std::pair(0, 0)) << usage;
  EXPECT_GT(tokens(R"({"prompt_tokens":1e300,"completion_tokens":99999999999})").first, 1'000'000);
}

TEST(ChatReply, Malformed) {
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[1]})", R"({"choices":[{}]})",
        R"({"choices":[{"message":"x"}]})", R"({"choices":[{"message":{"content":"x"}}])", R"({"choices":[],"error":null})"}) {
    const ChatReply parsed = parse_chat_reply(body);
    EXPECT_FALSE(parsed.reply) << body;
    EXPECT_FALSE(parsed.error) << body;
  }
}

TEST(ChatReply, ErrorsInsideASuccess) {
  struct Case {
    const char* body;
    int status;
  };
  for (const auto& [body, status] :
       {Case{R"({"error":{"message":"m","code":429}})", 429}, Case{R"({"choices":null,"error":{"message":"m","code":502}})", 502},
        Case{R"({"id":"x","choices":[],"error":{"message":"m","code":"429"}})", 429},
        Case{R"({"choices":[{"finish_reason":"error","error":{"code":502,"message":"m"},"message":{"role":"assistant","content":""}}]})",
             502},
        Case{R"({"choices":[{"message":{"content":"half an ans"},"finish_reason":"error"}],"error":{"code":503,"message":"m"}})", 503},
        Case{R"({"choices":[{"message":{"content":""},"finish_reason":"network_error"}]})", 0}, Case{R"({"error":"model is loading"})", 0},
        Case{R"({"detail":"Not authenticated"})", 401}, Case{R"([{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}])", 400},
        Case{R"({"success":false,"errors":[{"code":7003,"message":"no route"}]})", 0},
        Case{R"({"promptFeedback":{"blockReason":"SAFETY"}})", 0}}) {
    const ChatReply parsed = parse_chat_reply(body);
    EXPECT_FALSE(parsed.reply) << body;
    ASSERT_TRUE(parsed.error) << body;
    EXPECT_EQ(parsed.error->status, status) << body;
    EXPECT_FALSE(parsed.error->message.empty()) << body;
  }
}

}  // namespace
}  // namespace iteralign
