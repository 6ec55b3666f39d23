// What has to be paid: replies that are kept, and limits of calls, tokens and cost.

#include <gmock/gmock.h>

#include "oracle/test_server.h"

namespace iteralign {
namespace {

using httplib::Request;
using httplib::Response;
using testing::HasSubstr;

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

TEST(OpenAiOracle, AgainReplacesTheKeptReplyOnceAProcess) {
  TestServer server([](int number, const Request&, Response& response) { send(response, 200, chat_reply(std::to_string(number))); });
  MemoryCache cache;
  auto again = question("q");
  again.again = true;
  for (const char* wanted : {"2", "3"}) {
    OpenAiOracle oracle(server.options(), &cache, {});
    oracle.complete(question("q"));
    EXPECT_EQ(oracle.complete(again).text, wanted);
    EXPECT_EQ(oracle.complete(again).text, wanted);  // no third time
    EXPECT_EQ(oracle.complete(question("q")).text, wanted);
  }
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

}  // namespace
}  // namespace iteralign
