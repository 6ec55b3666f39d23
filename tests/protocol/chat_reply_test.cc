#include "protocol/chat_reply.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace iteralign {
namespace {

ChatReply reply_in(const std::string& body) {
  const ReadChatReply parsed = read_chat_reply(body);
  EXPECT_TRUE(parsed.reply) << body;
  EXPECT_FALSE(parsed.error) << body;
  return parsed.reply.value_or(ChatReply{});
}

TEST(ChatReply, WhatAServerOfOursWritesIsReadAsItWasMeant) {
  for (const ChatFinish finish : {ChatFinish::stop, ChatFinish::length, ChatFinish::content_filter, ChatFinish::refusal}) {
    const ChatReply written{.finish = finish, .text = "a \"text\"\n", .prompt_tokens = 3, .completion_tokens = 4};
    const ChatReply read = reply_in(dump_json(to_json(written, "m", 7)));
    EXPECT_EQ(read.finish, written.finish);
    EXPECT_EQ(read.text, written.text);
    EXPECT_EQ(read.prompt_tokens, written.prompt_tokens);
    EXPECT_EQ(read.completion_tokens, written.completion_tokens);
  }
}

TEST(ChatReply, Answered) {
  const auto reply = reply_in(
      R"({"choices":[{"message":{"content":"hi","reasoning_content":"hm"},"finish_reason":"stop","extra":1}],"usage":{"prompt_tokens":3,"completion_tokens":4}})");
  EXPECT_EQ(reply.finish, ChatFinish::stop);
  EXPECT_EQ(reply.text, "hi");
  EXPECT_EQ(reply.prompt_tokens, 3);
  EXPECT_EQ(reply.completion_tokens, 4);
}

TEST(ChatReply, WhereTheAnswerStands) {
  for (const char* message :
       {R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})", R"({"content":["a","b"]})",
        R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"no"}]},{"type":"text","text":"ab"}]})",
        R"({"content":[{"type":"reasoning","text":"no"},{"type":"text","text":{"value":"ab"}}]})",
        R"({"content":{"type":"text","text":"ab"}})",
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
  EXPECT_EQ(reply.finish, ChatFinish::length);
  EXPECT_EQ(reply.text, "");
}

TEST(ChatReply, HowItEnded) {
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]})").finish, ChatFinish::refusal);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":null,"refusal":"no"}}]})").text, "no");
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":[{"type":"refusal","refusal":"no"}]}}]})").finish, ChatFinish::refusal);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"{"},"finish_reason":"length"}]})").finish, ChatFinish::length);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"{"},"finish_reason":"MAX_TOKENS"}]})").finish, ChatFinish::length);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"x"},"finish_reason":"novel"}]})").finish, ChatFinish::stop);
  EXPECT_EQ(reply_in(R"({"choices":[{"message":{"content":"x"},"finish_reason":null}]})").finish, ChatFinish::stop);
}

TEST(ChatReply, Filters) {
  for (const char* choice :
       {R"({"message":{"content":""},"finish_reason":"content_filter"})", R"({"message":null,"finish_reason":"content_filter"})",
        R"({"finish_reason":"content_filter","content_filter_results":{"hate":{"filtered":true}}})", R"({"finish_reason":"SAFETY"})",
        R"({"index":0,"finish_reason":"content_filter: PROHIBITED_CONTENT"})",
        R"({"message":{"content":null},"finish_reason":"sensitive"})", R"({"message":{},"finish_reason":"guardrail_intervened"})"})
    EXPECT_EQ(reply_in(R"({"choices":[)" + std::string(choice) + "]}").finish, ChatFinish::content_filter) << choice;
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
    const ReadChatReply parsed = read_chat_reply(body);
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
    const ReadChatReply parsed = read_chat_reply(body);
    EXPECT_FALSE(parsed.reply) << body;
    ASSERT_TRUE(parsed.error) << body;
    EXPECT_EQ(parsed.error->status, status) << body;
    EXPECT_FALSE(parsed.error->message.empty()) << body;
  }
}

}  // namespace
}  // namespace iteralign
