#include "oracle/openai_oracle.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "core/files.h"
#include "core/log.h"
#include "oracle/test_server.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using httplib::Request;
using httplib::Response;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

// Fails `times` times, then answers "ok".
TestServer::Handler failing(int times, std::function<void(Response&)> fail) {
  return [times, fail = std::move(fail)](int number, const Request&, Response& response) {
    number <= times ? fail(response) : send(response, 200, chat_reply("ok"));
  };
}

TEST(OpenAiOracle, Answer) {
  TestServer server(failing(0, {}));
  OpenAiOracle oracle(server.options(), nullptr, {});
  const auto reply = oracle.complete(question("q"));
  EXPECT_EQ(reply.status, ReplyStatus::answered);
  EXPECT_EQ(reply.text, "ok");
  EXPECT_FALSE(reply.cached);
  const auto usage = oracle.usage();
  EXPECT_EQ(usage.calls, 1);
  EXPECT_EQ(usage.prompt_tokens, 10);
  EXPECT_EQ(usage.completion_tokens, 5);
  EXPECT_TRUE(usage.faults.empty());
  EXPECT_EQ(server.body(0)["model"], "test-model");
}

struct Passing {
  const char* name;
  const char* fault;
  std::function<void(Response&)> fail;
  bool paid = false;  // a 200, whatever is in it
};

class PassingFault : public testing::TestWithParam<Passing> {};

TEST_P(PassingFault, IsTriedAgainAndCounted) {
  TestServer server(failing(2, GetParam().fail));
  OpenAiOracle oracle(server.options(), nullptr, {});
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(oracle.usage().retries, 2);
  EXPECT_EQ(oracle.usage().calls, GetParam().paid ? 3 : 1);
  EXPECT_EQ(oracle.usage().faults, (std::map<std::string, std::int64_t>{{GetParam().fault, 2}}));
}

TEST_P(PassingFault, FailsTheRequestWhenItDoesNotPass) {
  TestServer server(failing(1000, GetParam().fail));
  auto options = server.options();
  options.max_retries = 2;
  OpenAiOracle oracle(options, nullptr, {});
  const auto reply = oracle.complete(question("q"));
  EXPECT_EQ(reply.status, ReplyStatus::failed);
  EXPECT_FALSE(reply.text.empty());
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(oracle.usage().calls, GetParam().paid ? 3 : 0);
}

void drop(Response& response) {
  const std::string body = chat_reply("ok");
  response.set_content_provider(body.size(), "application/json", [body](std::size_t offset, std::size_t, httplib::DataSink& sink) {
    return offset == 0 && sink.write(body.data(), body.size() / 2);
  });
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PassingFault,
    testing::Values(
        Passing{"http_500", "http_500", [](Response& r) { send_error(r, 500, "boom"); }},
        Passing{"bad_gateway", "http_502", [](Response& r) { send(r, 502, "<html>", "text/html"); }},
        Passing{"http_408", "http_408", [](Response& r) { send_error(r, 408, "late"); }},
        Passing{"http_429", "http_429",
                [](Response& r) {
                  r.set_header("Retry-After", "0.01");
                  send_error(r, 429, "slow down");
                }},
        Passing{"error_in_200", "http_503", [](Response& r) { send(r, 200, R"({"error":{"message":"busy","code":503}})"); }, true},
        Passing{"error_in_a_choice", "http_502",
                [](Response& r) {
                  send(r, 200, R"({"choices":[{"finish_reason":"error","error":{"code":502,"message":"x"},"message":{"content":""}}]})");
                },
                true},
        Passing{"no_choice_but_an_error", "http_429",
                [](Response& r) { send(r, 200, R"({"choices":null,"error":{"message":"Provider returned error","code":429}})"); }, true},
        Passing{
            "quota_of_a_minute", "http_429",
            [](Response& r) {
              send(
                  r, 429,
                  R"([{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 10ms.","details":[{"retryDelay":"0.01s"}]}}])");
            }},
        Passing{"garbage", "malformed", [](Response& r) { send(r, 200, "<html>hello</html>", "text/html"); }, true},
        Passing{"truncated_json", "malformed", [](Response& r) { send(r, 200, chat_reply("ok").substr(0, 60)); }, true},
        Passing{"no_choices", "malformed", [](Response& r) { send(r, 200, "{}"); }, true}, Passing{"dropped", "connection", drop}),
    [](const auto& info) { return info.param.name; });

TEST(OpenAiOracle, SlowerThanTheTimeout) {
  TestServer server(failing(1, [](Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    send(response, 200, chat_reply("late"));
  }));
  auto options = server.options();
  options.timeout_s = 0.7;
  OpenAiOracle oracle(options, nullptr, {});
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
  EXPECT_GE(oracle.usage().faults.at("timeout"), 1);
}

TEST(OpenAiOracle, RetryAfterIsKept) {
  TestServer server(failing(1, [](Response& response) {
    response.set_header("retry-after-ms", "300");
    send_error(response, 429, "slow down");
  }));
  OpenAiOracle oracle(server.options(), nullptr, {});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(300));
}

TEST(OpenAiOracle, ServerThatSaysNotToRetryIsObeyed) {
  TestServer server(failing(1, [](Response& response) {
    response.set_header("x-should-retry", "false");
    send_error(response, 500, "boom");
  }));
  OpenAiOracle oracle(server.options(), nullptr, {});
  EXPECT_EQ(oracle.complete(question("q")).status, ReplyStatus::failed);
  EXPECT_EQ(server.requests(), 1);
}

TEST(OpenAiOracle, WaitOfHoursEndsTheRun) {
  TestServer server(failing(1000, [](Response& response) {
    response.set_header("Retry-After", "7200");
    send_error(response, 429, "daily limit");
  }));
  OpenAiOracle oracle(server.options(), nullptr, {});
  const Error error = error_of([&] { oracle.complete(question("q")); });
  EXPECT_EQ(error.kind(), ErrorKind::remote);
  EXPECT_THAT(error.what(), HasSubstr("7200 s"));
}

TEST(OpenAiOracle, ModelThatDeclines) {
  TestServer server([](int number, const Request&, Response& response) {
    if (number == 1)
      return send(response, 200, R"({"choices":[{"message":{"content":null,"refusal":"I cannot."},"finish_reason":"stop"}]})");
    if (number == 2) return send(response, 200, chat_reply("", "content_filter"));
    if (number == 3) return send_error(response, 400, "The response was filtered", "content_filter");
    send(response, 200, chat_reply("{\"ver", "length"));
  });
  OpenAiOracle oracle(server.options(), nullptr, {});
  EXPECT_EQ(oracle.complete(question("1")).status, ReplyStatus::refused);
  EXPECT_EQ(oracle.complete(question("2")).status, ReplyStatus::filtered);
  EXPECT_EQ(oracle.complete(question("3")).status, ReplyStatus::filtered);
  EXPECT_EQ(oracle.complete(question("4")).status, ReplyStatus::truncated);
  EXPECT_EQ(server.requests(), 4);
  EXPECT_EQ(oracle.usage().faults, (std::map<std::string, std::int64_t>{{"refused", 1}, {"filtered", 2}, {"truncated", 1}}));
}

TEST(OpenAiOracle, ModerationIsAnOutcome) {
  TestServer server([](int number, const Request&, Response& response) {
    if (number == 1) return send_error(response, 403, "x/y requires moderation. Your input was flagged for \"violence\".");
    if (number == 2) return send_error(response, 400, "Invalid prompt: your prompt was flagged", "invalid_prompt");
    if (number == 3) return send(response, 200, R"({"choices":[{"finish_reason":"content_filter","message":null}]})");
    send(response, 200, R"({"promptFeedback":{"blockReason":"SAFETY"}})");
  });
  MemoryCache cache;
  OpenAiOracle oracle(server.options(), &cache, {});
  for (const char* text : {"1", "2", "3", "4", "1", "2", "3", "4"})
    EXPECT_EQ(oracle.complete(question(text)).status, ReplyStatus::filtered) << text;
  EXPECT_EQ(server.requests(), 4);  // it is kept: asked again it would be the same
}

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

TEST(OpenAiOracle, ServerThatLoadsItsModelIsWaitedFor) {
  TestServer server(
      failing(30, [](Response& r) { send(r, 503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})"); }));
  auto options = server.options();
  options.max_retries = 2;  // not of these
  OpenAiOracle oracle(options, nullptr, {});
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
  options.loading_timeout_s = 0;
  TestServer never(failing(1000, [](Response& r) { send(r, 503, R"({"error":"Model m is currently loading","estimated_time":20.0})"); }));
  options.base_url = never.base_url();
  OpenAiOracle impatient(options, nullptr, {});
  EXPECT_THAT(error_of([&] { impatient.complete(question("q")); }).what(), HasSubstr("oracle.loading_timeout_s"));
}

TEST(OpenAiOracle, ThoughtThatFillsTheLimitNamesTheKey) {
  TestServer server([](int, const Request& request, Response& response) {
    Json::parse(request.body)["max_tokens"] < 720 ? send(response, 200, chat_reply("", "length")) : send(response, 200, chat_reply("ok"));
  });
  auto options = server.options();
  const auto reply = OpenAiOracle(options, nullptr, {}).complete(question("q"));
  EXPECT_EQ(reply.status, ReplyStatus::truncated);
  EXPECT_THAT(reply.text, HasSubstr("oracle.reply_max_tokens"));
  MemoryCache cache;
  options.reply_max_tokens = 4096;
  EXPECT_EQ(OpenAiOracle(options, &cache, {}).complete(question("q")).text, "ok");
}

TEST(OpenAiOracle, AnotherLengthLimitMakesNoWholeReplyUnusable) {
  TestServer server([](int number, const Request&, Response& response) {
    number == 1 ? send(response, 200, chat_reply("ok")) : send(response, 200, chat_reply("", "length"));
  });
  MemoryCache cache;
  auto options = server.options();
  OpenAiOracle before(options, &cache, {});
  before.complete(question("whole"));
  before.complete(question("cut"));
  options.reply_max_tokens = 4096;
  OpenAiOracle after(options, &cache, {});
  EXPECT_TRUE(after.complete(question("whole")).cached);
  EXPECT_FALSE(after.complete(question("cut")).cached);
}

TEST(OpenAiOracle, HeadersAndFieldsOfTheConfiguration) {
  ::setenv("ITERALIGN_TEST_HEADER", "secret-of-the-header", 1);
  std::string api_key, title, query;
  TestServer server([&](int number, const Request& request, Response& response) {
    api_key = request.get_header_value("api-key");
    title = request.get_header_value("X-Title");
    query = request.get_param_value("api-version") + "|" + request.get_param_value("key");
    const std::string echo = "you sent " + api_key + " to " + request.get_param_value("key");
    number == 1 ? send(response, 200, chat_reply(echo)) : send_error(response, 401, echo);
  });
  auto options = server.options();
  options.base_url += "?api-version=2024-10-21&key=${ITERALIGN_TEST_HEADER}";
  options.headers = {{"api-key", "${ITERALIGN_TEST_HEADER}"}, {"X-Title", "demo"}};
  options.extra_fields = R"({"provider":{"order":["a"]}})";
  MemoryCache cache;
  OpenAiOracle oracle(options, &cache, {});
  const auto reply = oracle.complete(question("q"));
  EXPECT_EQ(api_key, "secret-of-the-header");
  EXPECT_EQ(title, "demo");
  EXPECT_EQ(query, "2024-10-21|secret-of-the-header");
  EXPECT_EQ(server.authorization(), "");
  EXPECT_EQ(server.body(0)["provider"]["order"][0], "a");
  const Error error = error_of([&] { oracle.complete(question("another")); });
  EXPECT_THAT(error.hint(), HasSubstr("oracle.headers"));
  EXPECT_THAT(reply.text + cache.text() + error.what(), Not(HasSubstr("secret-of-the-header")));
  ::unsetenv("ITERALIGN_TEST_HEADER");
  EXPECT_THAT(error_of([&] { OpenAiOracle(options, nullptr, {}); }).what(), HasSubstr("ITERALIGN_TEST_HEADER"));
}

TEST(OpenAiOracle, FieldOfTheConfigurationThatIsRefused) {
  TestServer server(refusing([](const Json& body) { return body.contains("top_k"); },
                             R"({"detail":[{"loc":["body","top_k"],"msg":"Extra inputs are not permitted"}]})", 422));
  auto options = server.options();
  options.extra_fields = R"({"top_k":20})";
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

struct Fatal {
  const char* name;
  int status;
  const char* message;
  const char* code;
  const char* said;
};
class FatalError : public testing::TestWithParam<Fatal> {};

TEST_P(FatalError, EndsAllAtOnce) {
  TestServer server(
      [](int, const Request&, Response& response) { send_error(response, GetParam().status, GetParam().message, GetParam().code); });
  auto options = server.options();
  options.api_key_env = "ITERALIGN_TEST_KEY";
  OpenAiOracle oracle(options, nullptr, {});
  const Error error = error_of([&] { oracle.complete(question("q")); });
  EXPECT_EQ(error.kind(), ErrorKind::remote);
  EXPECT_THAT(error.what(), HasSubstr(GetParam().said));
  EXPECT_EQ(error.where(), server.base_url());
  EXPECT_FALSE(error.hint().empty());
  EXPECT_EQ(error_of([&] { oracle.complete(question("another")); }).kind(), ErrorKind::remote);
  EXPECT_EQ(server.requests(), 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FatalError,
                         testing::Values(Fatal{"unauthorised", 401, "Incorrect API key", "invalid_api_key", "ITERALIGN_TEST_KEY"},
                                         Fatal{"forbidden", 403, "no access", "", "HTTP 403: no access"},
                                         Fatal{"no_quota", 429, "You exceeded your current quota", "insufficient_quota", "no quota left"},
                                         Fatal{"payment", 402, "Insufficient balance", "", "no quota left"},
                                         Fatal{"no_model", 404, "model not found", "model_not_found", "oracle.model"},
                                         Fatal{"unknown_model", 400, "m is not a valid model ID", "", "oracle.model"},
                                         Fatal{"length_limit", 400, "max_tokens is too large: 9000. At most 4096", "",
                                               "oracle.reply_max_tokens"},
                                         Fatal{"no_credit", 400, "Your credit balance is too low", "", "no quota left"},
                                         Fatal{"wrong_scheme", 400, "Client sent an HTTP request to an HTTPS server.", "", "https://"}),
                         [](const auto& info) { return info.param.name; });

TEST(OpenAiOracle, TooLongAQuestionFailsAlone) {
  TestServer server([](int, const Request&, Response& response) {
    send_error(response, 400, "This model's maximum context length is 4096 tokens", "context_length_exceeded");
  });
  OpenAiOracle oracle(server.options(), nullptr, {});
  for (int i = 0; i < 12; ++i) EXPECT_EQ(oracle.complete(question(std::to_string(i))).status, ReplyStatus::failed);
  EXPECT_EQ(server.requests(), 12);
}

TEST(OpenAiOracle, ManyFailuresInARowEndTheRun) {
  TestServer server([](int, const Request&, Response& response) { send_error(response, 400, "strange request"); });
  OpenAiOracle oracle(server.options(), nullptr, {});
  for (int i = 0; i < 7; ++i) EXPECT_EQ(oracle.complete(question(std::to_string(i))).status, ReplyStatus::failed);
  EXPECT_THAT(error_of([&] { oracle.complete(question("8")); }).what(), HasSubstr("strange request"));
}

// A port on which nobody listens.
int closed_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

TEST(OpenAiOracle, NobodyListens) {
  OracleOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(closed_port());
  options.retry_base_s = 0.001;
  OpenAiOracle oracle(options, nullptr, {});
  const Error error = error_of([&] { oracle.complete(question("q")); });
  EXPECT_EQ(error.kind(), ErrorKind::remote);
  EXPECT_THAT(error.where(), HasSubstr(options.base_url));
  EXPECT_THAT(error.hint(), HasSubstr("running"));
  EXPECT_EQ(oracle.usage().retries, 6);
}

TEST(OpenAiOracle, MissingKey) {
  ::unsetenv("ITERALIGN_TEST_KEY");
  OracleOptions options;
  options.base_url = "https://api.example.com/v1";
  options.api_key_env = "ITERALIGN_TEST_KEY";
  const Error error = error_of([&] { OpenAiOracle oracle(options, nullptr, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.what(), HasSubstr("ITERALIGN_TEST_KEY"));
}

TEST(OpenAiOracle, KeyIsSentAndNeverShown) {
  const std::string key = "secret-0123456789abcdef";
  ::setenv("ITERALIGN_TEST_KEY", (key + "\n").c_str(), 1);
  const TemporaryFolder folder;
  const std::string log = folder.file("oracle_key.log");
  open_log_file(log);
  TestServer server([&](int number, const Request& request, Response& response) {
    const std::string echo = "you sent " + request.get_header_value("Authorization");
    if (number == 1) return send_error(response, 500, echo);
    if (number == 2) return send(response, 200, chat_reply(echo));
    send_error(response, 401, echo);
  });
  auto options = server.options();
  options.api_key_env = "ITERALIGN_TEST_KEY";
  MemoryCache cache;
  OpenAiOracle oracle(options, &cache, {});
  const auto reply = oracle.complete(question("q"));
  EXPECT_EQ(server.authorization(), "Bearer " + key);
  EXPECT_THAT(reply.text, Not(HasSubstr(key)));
  EXPECT_THAT(error_of([&] { oracle.complete(question("another")); }).what(), Not(HasSubstr(key)));
  EXPECT_THAT(cache.text(), Not(HasSubstr(key)));
  const std::string logged = read_file(log);
  EXPECT_THAT(logged, HasSubstr("HTTP 500"));
  EXPECT_THAT(logged, Not(HasSubstr(key)));
  ::unsetenv("ITERALIGN_TEST_KEY");
}

TEST(OpenAiOracle, CacheAnswersWithoutAsking) {
  TestServer server([](int number, const Request&, Response& response) { send(response, 200, chat_reply(std::to_string(number))); });
  MemoryCache cache;
  {
    OpenAiOracle oracle(server.options(), &cache, {});
    oracle.complete(question("q"));
  }
  auto options = server.options();
  options.concurrency = 1;  // nothing that the reply depends on
  options.base_url += "/";
  OpenAiOracle oracle(options, &cache, {});
  const auto reply = oracle.complete(question("q"));
  EXPECT_EQ(reply.text, "1");
  EXPECT_TRUE(reply.cached);
  EXPECT_EQ(oracle.usage().cached, 1);
  EXPECT_EQ(oracle.usage().calls, 0);
  auto vote = question("q");
  vote.repeat = 1;
  EXPECT_EQ(oracle.complete(vote).text, "2");
}

TEST(OpenAiOracle, ServerNameStandsForTheAddressInTheCache) {
  MemoryCache cache;
  for (int i = 0; i < 2; ++i) {
    TestServer server(failing(0, {}));
    auto options = server.options();
    options.server_name = "keyword";
    OpenAiOracle oracle(options, &cache, {});
    EXPECT_EQ(oracle.complete(question("q")).cached, i == 1);
  }
}

TEST(OpenAiOracle, FailuresAreNotKept) {
  TestServer server(failing(1, [](Response& response) { send_error(response, 400, "strange"); }));
  MemoryCache cache;
  OpenAiOracle oracle(server.options(), &cache, {});
  EXPECT_EQ(oracle.complete(question("q")).status, ReplyStatus::failed);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");
}

template <class Work>
void in_threads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
}

TEST(OpenAiOracle, EqualQuestionsAtOnceAreAskedOnce) {
  TestServer server([](int, const Request&, Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    send(response, 200, chat_reply("ok"));
  });
  MemoryCache cache;
  OpenAiOracle oracle(server.options(), &cache, {});
  in_threads(8, [&](int) { EXPECT_EQ(oracle.complete(question("q")).text, "ok"); });
  EXPECT_EQ(server.requests(), 1);
  EXPECT_EQ(oracle.usage().cached, 7);
}

TEST(OpenAiOracle, ConcurrencyIsReachedAndKept) {
  std::atomic<int> now{0}, most{0};
  TestServer server([&](int, const Request&, Response& response) {
    const int in_flight = ++now;
    for (int seen = most; in_flight > seen && !most.compare_exchange_weak(seen, in_flight);) {
    }
    // Nobody is answered before four have come, and some time for a fifth.
    for (int i = 0; i < 500 && most < 4; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    --now;
    send(response, 200, chat_reply("ok"));
  });
  auto options = server.options();
  options.concurrency = 4;
  OpenAiOracle oracle(options, nullptr, {});
  in_threads(12, [&](int i) { oracle.complete(question(std::to_string(i))); });
  EXPECT_EQ(most, 4);
}

TEST(OpenAiOracle, BudgetOfCalls) {
  TestServer server(failing(0, {}));
  MemoryCache cache;
  auto options = server.options();
  options.max_calls = 5;
  OpenAiOracle oracle(options, &cache, {});
  std::atomic<int> answered{0}, refused{0};
  in_threads(8, [&](int i) {
    try {
      oracle.complete(question(std::to_string(i % 8)));
      ++answered;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::remote);
      EXPECT_THAT(error.what(), HasSubstr("oracle.max_calls"));
      ++refused;
    }
  });
  EXPECT_EQ(server.requests(), 5);
  EXPECT_EQ(answered, 5);
  EXPECT_EQ(refused, 3);
}

TEST(OpenAiOracle, RepliesThatCannotBeUsedCountAgainstTheBudget) {
  TestServer server([](int, const Request&, Response& response) { send(response, 200, R"({"choices":[]})"); });
  auto options = server.options();
  options.max_calls = 5;
  OpenAiOracle oracle(options, nullptr, {});
  EXPECT_THAT(error_of([&] { oracle.complete(question("q")); }).what(), HasSubstr("oracle.max_calls"));
  EXPECT_EQ(server.requests(), 5);
}

TEST(OpenAiOracle, CountsThatCannotBeAreNotBelieved) {
  TestServer server([](int number, const Request&, Response& response) {
    Json reply = Json::parse(chat_reply("twelve bytes"));
    if (number == 1) reply["usage"] = {{"prompt_tokens", 1e300}, {"completion_tokens", 99999999999}};
    if (number == 2) reply["usage"] = {{"prompt_tokens", -1}, {"completion_tokens", -1}};
    send(response, 200, dump_json(reply));
  });
  OpenAiOracle oracle(server.options(), nullptr, {});
  for (const char* text : {"1", "2"}) {
    const auto reply = oracle.complete(question(text));
    EXPECT_EQ(reply.completion_tokens, 3);
    EXPECT_GT(reply.prompt_tokens, 10);
    EXPECT_LT(reply.prompt_tokens, 1000);
  }
}

TEST(OpenAiOracle, LimitOfCostWithoutPrices) {
  OracleOptions options;
  options.base_url = "http://127.0.0.1:1";
  options.max_cost_usd = 1;
  const Error error = error_of([&] { OpenAiOracle(options, nullptr, {}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("oracle.price_prompt_per_million"));
}

TEST(OpenAiOracle, KeptRepliesCostNoBudget) {
  TestServer server(failing(0, {}));
  MemoryCache cache;
  auto options = server.options();
  options.max_calls = 1;
  OpenAiOracle oracle(options, &cache, {});
  oracle.complete(question("q"));
  EXPECT_TRUE(oracle.complete(question("q")).cached);
  EXPECT_THROW(oracle.complete(question("another")), Error);
}

TEST(OpenAiOracle, BudgetOfTokensAndCost) {
  TestServer server(failing(0, {}));
  auto options = server.options();
  options.max_tokens = 20;
  OpenAiOracle by_tokens(options, nullptr, {});
  by_tokens.complete(question("1"));
  by_tokens.complete(question("2"));
  EXPECT_THAT(error_of([&] { by_tokens.complete(question("3")); }).what(), HasSubstr("30 tokens"));

  options = server.options();
  options.max_cost_usd = 0.00002;
  options.price_prompt_per_million = 1.0;
  options.price_completion_per_million = 2.0;
  OpenAiOracle by_cost(options, nullptr, {});
  by_cost.complete(question("1"));
  EXPECT_DOUBLE_EQ(by_cost.usage().cost_usd, 20e-6);
  EXPECT_THAT(error_of([&] { by_cost.complete(question("2")); }).what(), HasSubstr("oracle.max_cost_usd"));
}

TEST(OpenAiOracle, WhatWasSpentBeforeCounts) {
  TestServer server(failing(0, {}));
  auto options = server.options();
  options.max_calls = 10;
  options.spent_before.calls = 10;
  OpenAiOracle oracle(options, nullptr, {});
  EXPECT_THROW(oracle.complete(question("q")), Error);
  EXPECT_EQ(oracle.usage().calls, 0);
}

TEST(OpenAiOracle, ServerThatDoesNotCountTokens) {
  TestServer server(
      [](int, const Request&, Response& response) { send(response, 200, R"({"choices":[{"message":{"content":"twelve bytes"}}]})"); });
  OpenAiOracle oracle(server.options(), nullptr, {});
  const auto reply = oracle.complete(question("q"));
  EXPECT_EQ(reply.completion_tokens, 3);
  EXPECT_GT(reply.prompt_tokens, 10);
}

TEST(OpenAiOracle, RateLimitSlowsEverybody) {
  std::atomic<int> refused{0};
  TestServer server([&](int number, const Request&, Response& response) {
    if (number > 4) return send(response, 200, chat_reply("ok"));
    ++refused;
    response.set_header("Retry-After", "0.2");
    send_error(response, 429, "slow down");
  });
  OpenAiOracle oracle(server.options(), nullptr, {});
  const auto start = std::chrono::steady_clock::now();
  in_threads(4, [&](int i) { EXPECT_EQ(oracle.complete(question(std::to_string(i))).text, "ok"); });
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
  EXPECT_EQ(oracle.usage().faults.at("http_429"), refused);
}

TEST(OpenAiOracle, StopIsHeardWhileWaiting) {
  TestServer server([](int, const Request&, Response& response) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    send(response, 200, chat_reply("late"));
  });
  std::atomic<bool> stop{false};
  OpenAiOracle oracle(server.options(), nullptr, [&] { return stop.load(); });
  const auto start = std::chrono::steady_clock::now();
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop = true;
  });
  EXPECT_EQ(error_of([&] { oracle.complete(question("q")); }).kind(), ErrorKind::interrupted);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1800));
  stopper.join();
}

TEST(Pacer, FewerAfterARateLimitOncePerCut) {
  Pacer pacer(10);
  const auto before = Pacer::Clock::now();
  pacer.rate_limited(0, Pacer::Clock::now());
  EXPECT_DOUBLE_EQ(pacer.allowed(), 8.0);
  pacer.rate_limited(0, before);  // let in before the cut: nothing new
  EXPECT_DOUBLE_EQ(pacer.allowed(), 8.0);
  for (int i = 0; i < 1000; ++i) pacer.succeeded();
  EXPECT_DOUBLE_EQ(pacer.allowed(), 10.0);
  for (int i = 0; i < 100; ++i) pacer.rate_limited(0, Pacer::Clock::now() + std::chrono::seconds(1));
  EXPECT_DOUBLE_EQ(pacer.allowed(), 1.0);
}

}  // namespace
}  // namespace iteralign
