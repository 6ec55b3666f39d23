// Faults that pass, that fail one request, and that end all.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "oracle/test_server.h"

namespace iteralign {
namespace {

using httplib::Request;
using httplib::Response;
using testing::HasSubstr;

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

TEST(OpenAiOracle, ServerThatLoadsItsModelIsWaitedFor) {
  TestServer server(
      failing(30, [](Response& r) { send(r, 503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})"); }));
  auto options = server.options();
  options.max_retries = 2;  // not of these
  OpenAiOracle oracle(options, nullptr, {});
  testing::internal::CaptureStderr();
  EXPECT_EQ(oracle.complete(question("q")).text, "ok");  // 30 waits, together longer than what lies between two lines that say so
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("is loading its model"));
  EXPECT_THAT(said, HasSubstr("is still loading its model"));
  options.loading_timeout_s = 0;
  TestServer never(failing(1000, [](Response& r) { send(r, 503, R"({"error":"Model m is currently loading","estimated_time":20.0})"); }));
  options.base_url = never.base_url();
  OpenAiOracle impatient(options, nullptr, {});
  EXPECT_THAT(error_of([&] { impatient.complete(question("q")); }).what(), HasSubstr("oracle.loading_timeout_s"));
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
