// What a server refuses is left out, or said in another way; what speaks another protocol is told.

#include <gmock/gmock.h>

#include "oracle/test_server.h"

namespace iteralign {
namespace {

using httplib::Request;
using httplib::Response;
using testing::HasSubstr;

// Refuses a field by what it says, answers without it.
TestServer::Handler refusing(std::function<bool(const Json&)> refuses, const std::string& error, int status = 400) {
  return [=](int, const Request& request, Response& response) {
    refuses(Json::parse(request.body)) ? send(response, status, error) : send(response, 200, chat_reply("ok"));
  };
}

struct Field {
  const char* name;
  std::function<bool(const Json&)> refuses;
  const char* error;
  int status = 400;
};
class RefusedField : public testing::TestWithParam<Field> {};

TEST_P(RefusedField, IsFoundOutOnce) {
  TestServer server(refusing(GetParam().refuses, GetParam().error, GetParam().status));
  MemoryCache cache;
  OpenAiOracle oracle(server.options(), &cache, {});
  auto vote = question("1");
  vote.repeat = 1;
  EXPECT_EQ(oracle.complete(vote).text, "ok");
  const int asked = server.requests();
  EXPECT_GE(asked, 2);
  auto another = question("2");
  another.repeat = 1;
  EXPECT_EQ(oracle.complete(another).text, "ok");
  EXPECT_EQ(server.requests(), asked + 1);
  EXPECT_TRUE(oracle.usage().faults.empty());
  EXPECT_EQ(oracle.usage().calls, 2);
  OpenAiOracle later(server.options(), &cache, {});  // knows nothing of it, and finds what was paid
  EXPECT_TRUE(later.complete(vote).cached);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, RefusedField,
    testing::Values(
        Field{"seed", [](const Json& b) { return b.contains("seed"); },
              R"({"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]})", 422},
        Field{"temperature", [](const Json& b) { return b.contains("temperature"); },
              R"({"error":{"message":"`temperature` is deprecated for this model."}})"},
        Field{"temperature_of_one", [](const Json& b) { return b.value("temperature", 1.0) != 1.0; },
              R"({"error":{"message":"invalid temperature: only 1 is allowed for this model"}})"},
        Field{"temperature_of_zero", [](const Json& b) { return b["temperature"] == 0.0; },
              R"({"error":"`temperature` must be strictly positive"})", 422},
        Field{"max_tokens", [](const Json& b) { return b.contains("max_tokens"); },
              R"({"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.","param":"max_tokens"}})"},
        Field{"any_limit", [](const Json& b) { return b.contains("max_tokens") || b.contains("max_completion_tokens"); },
              R"({"detail":"Unsupported parameter: max_tokens or max_completion_tokens"})"},
        Field{"grammar_500", [](const Json& b) { return b.contains("response_format"); },
              R"({"error":{"code":500,"message":"failed to parse grammar"}})", 500},
        Field{"schema_422", [](const Json& b) { return b.contains("response_format"); },
              R"({"error":{"message":"Invalid schema: additionalProperties"}})", 422},
        Field{"system_role", [](const Json& b) { return b["messages"][0]["role"] == "system"; },
              R"({"error":{"message":"System role not supported"}})"},
        Field{
            "all_at_once", [](const Json& b) { return b.contains("seed") || b.contains("temperature"); },
            R"({"detail":[{"loc":["body","seed"],"msg":"Extra inputs are not permitted"},{"loc":["body","temperature"],"msg":"Extra inputs are not permitted"}]})",
            422}),
    [](const auto& info) { return info.param.name; });

TEST(OpenAiOracle, ForcedNameOfTheLimitIsNoDeadEnd) {
  TestServer server(refusing([](const Json& body) { return body.contains("max_completion_tokens"); },
                             R"({"error":{"message":"Unrecognized request argument supplied: max_completion_tokens"}})"));
  auto options = server.options();
  options.max_tokens_field = "max_completion_tokens";
  OpenAiOracle oracle(options, nullptr, {});
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
  EXPECT_EQ(server.body(1)["max_tokens"], 512);
}

TEST(OpenAiOracle, WithoutASystemRoleItIsSaidInTheUsersTurn) {
  TestServer server(refusing([](const Json& body) { return body["messages"][0]["role"] == "system"; },
                             R"({"error":{"message":"System role not supported","code":400}})"));
  OpenAiOracle oracle(server.options(), nullptr, {});
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
  ASSERT_EQ(server.body(1)["messages"].size(), 1U);
  EXPECT_EQ(server.body(1)["messages"][0]["content"], "Answer with JSON.\n\nq");
}

TEST(OpenAiOracle, AReplyThatIsNoJsonIsAskedForWithoutTheSchemaOnce) {
  TestServer server([](int number, const Request&, Response& response) {
    if (number == 1)
      return send(response, 400,
                  R"({"error":{"message":"Failed to generate JSON.","code":"json_validate_failed","failed_generation":"{"}})");
    send(response, 200, chat_reply("ok"));
  });
  OpenAiOracle oracle(server.options(), nullptr, {});
  oracle.complete(question("1"));
  oracle.complete(question("2"));
  EXPECT_FALSE(server.body(1).contains("response_format"));
  EXPECT_TRUE(server.body(2).contains("response_format"));
}

TEST(OpenAiOracle, FieldOfTheConfigurationThatIsRefused) {
  TestServer server(refusing([](const Json& body) { return body.contains("top_k"); },
                             R"({"detail":[{"loc":["body","top_k"],"msg":"Extra inputs are not permitted"}]})", 422));
  auto options = server.options();
  options.body.text = R"({"top_k":20})";
  EXPECT_THAT(error_of([&] { OpenAiOracle(options, nullptr, {}).complete(question("q")); }).hint(),
              HasSubstr("take top_k out of oracle.body"));
}

TEST(OpenAiOracle, SchemaFallbackIsFoundOutOnce) {
  TestServer server([](int, const Request& request, Response& response) {
    const auto body = Json::parse(request.body);
    if (!body.contains("response_format")) return send(response, 200, chat_reply("ok"));
    send_error(response, 400, "Invalid parameter: 'response_format' of type " + body["response_format"]["type"].get<std::string>());
  });
  OpenAiOracle oracle(server.options(), nullptr, {});
  EXPECT_EQ(oracle.complete(question("1")).text, "ok");
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(server.body(0)["response_format"]["type"], "json_schema");
  EXPECT_EQ(server.body(1)["response_format"]["type"], "json_object");
  EXPECT_EQ(oracle.complete(question("2")).text, "ok");
  EXPECT_EQ(server.requests(), 4);
  EXPECT_TRUE(oracle.usage().faults.empty());
  EXPECT_EQ(oracle.usage().retries, 0);
}

TEST(OpenAiOracle, AnotherProtocolIsTold) {
  for (const auto& [body, says] : std::vector<std::pair<std::string, std::string>>{
           {R"({"model":"m","message":{"role":"assistant","content":"{}"},"done":true})", "Ollama"},
           {R"({"output":[{"type":"message","content":[{"type":"output_text","text":"{}"}]}]})", "responses"},
           {R"({"type":"message","content":[{"type":"text","text":"{}"}],"stop_reason":"end_turn"})", "Anthropic"},
           {R"({"candidates":[{"content":{"parts":[{"text":"{}"}]}}]})", "Gemini"},
           {"data: {\"choices\":[]}\n\ndata: [DONE]\n\n", "stream: false"}}) {
    TestServer server([&](int, const Request&, Response& response) { send(response, 200, body); });
    auto options = server.options();
    options.max_retries = 0;
    const auto reply = OpenAiOracle(options, nullptr, {}).complete(question("q"));
    EXPECT_EQ(reply.status, ReplyStatus::failed) << body;
    EXPECT_THAT(reply.text, HasSubstr(says)) << body;
  }
}

TEST(OpenAiOracle, ARedirectionIsSuggestedWhereItIsOneOfChatCompletions) {
  for (const auto& [location, says] : std::vector<std::pair<std::string, std::string>>{
           {"https://h/v1/chat/completions", "meant as https://h/v1/chat/completions"}, {"/login?next=%2Fv1", "login"}}) {
    TestServer server([&](int, const Request&, Response& response) {
      response.set_header("Location", location);
      response.status = 302;
    });
    EXPECT_THAT(error_of([&] { OpenAiOracle(server.options(), nullptr, {}).complete(question("q")); }).hint(), HasSubstr(says));
  }
}

}  // namespace
}  // namespace iteralign
