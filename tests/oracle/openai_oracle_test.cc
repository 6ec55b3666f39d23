// What is asked, what comes of it, and whose key it is.

#include <gmock/gmock.h>

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
using testing::HasSubstr;
using testing::Not;

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
  options.body.text = R"({"provider":{"order":["a"]}})";
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

}  // namespace
}  // namespace iteralign
