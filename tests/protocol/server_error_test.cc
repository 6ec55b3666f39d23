#include "protocol/server_error.h"

#include <gmock/gmock.h>

namespace iteralign {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

ServerError error(const std::string& body) { return parse_server_error(body); }

TEST(ServerError, MessageOfEveryForm) {
  for (const char* body :
       {R"({"error":{"message":"why","type":"t","param":null,"code":"c"}})", R"({"object":"error","message":"why","code":400})",
        R"({"error":"why"})", R"({"detail":"why"})", R"({"detail":[{"type":"missing","loc":["body","x"],"msg":"why"}]})",
        R"({"errors":[{"code":7003,"message":"why"}],"success":false})", R"({"errors":["why"]})",
        R"([{"error":{"code":400,"message":"why"}}])", R"({"message":{"detail":[{"msg":"why"}]}})",
        R"({"Message":"why","__type":"ValidationException"})", R"({"error_code":18,"error_msg":"why"})",
        R"({"type":"error","error":{"type":"t","message":"why"}})", R"({"error":{"message":"{\"error\": {\"message\": \"why\"}}"}})",
        "why"})
    EXPECT_EQ(error(body).message, "why") << body;
}

TEST(ServerError, WhatAProviderSaidBehindAGateway) {
  const auto said = error(
      R"({"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"{\"error\":{\"message\":\"Slow down\",\"code\":\"rate_limit_exceeded\"}}","provider_name":"P"}}})");
  EXPECT_EQ(said.status, 429);
  EXPECT_EQ(said.message, "Provider returned error; Slow down");
  EXPECT_THAT(said.codes, Contains("rate_limit_exceeded"));
  EXPECT_EQ(error(R"({"error":{"message":"litellm.BadRequestError: XException - {\"error\":{\"message\":\"why\"}}"}})").message,
            "litellm.BadRequestError: XException -; why");
}

TEST(ServerError, WhatIsEchoedOfTheRequestIsNotRead) {
  const auto said = error(
      R"({"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":{"messages":"temperature content_filter"}}]})");
  EXPECT_THAT(said.said, Not(HasSubstr("temperature")));
  EXPECT_THAT(said.fields, Contains("seed"));
  EXPECT_THAT(error(R"({"error":{"message":"flagged","metadata":{"flagged_input":"api key"}}})").said, Not(HasSubstr("api key")));
}

TEST(ServerError, StatusAsNumberTextOrWord) {
  EXPECT_EQ(error(R"({"error":{"code":503,"message":"Loading model"}})").status, 503);
  EXPECT_EQ(error(R"({"error":{"code":"400","message":"m"}})").status, 400);
  EXPECT_EQ(error(R"({"error":{"code":"rate_limit_exceeded","message":"m"}})").status, 429);
  EXPECT_EQ(error(R"({"error":{"status":"RESOURCE_EXHAUSTED","message":"m"}})").status, 429);
  EXPECT_EQ(error(R"({"error":{"type":"overloaded_error","message":"m"}})").status, 503);
  EXPECT_EQ(error(R"({"error":{"code":"1301","message":"m"}})").status, 0);
  EXPECT_EQ(error(R"({"error":{"code":40303,"message":"m"}})").status, 0);
}

TEST(ServerError, WaitsThatStandInTheBody) {
  EXPECT_EQ(error(R"({"error":{"message":"m","details":[{"@type":"RetryInfo","retryDelay":"2.5s"}]}})").wait_s, 2.5);
  EXPECT_EQ(error(R"({"error":"loading","estimated_time":20.5})").wait_s, 20.5);
  struct Case {
    const char* words;
    double wait_s;
  };
  for (const auto& [words, wait_s] :
       {Case{"Rate limit reached. Please try again in 3s.", 3}, Case{"try again in 7m12.5s. Visit", 432.5},
        Case{"Please try again in 250ms.", 0.25}, Case{"Please retry in 2.5s.", 2.5}, Case{"Please retry after 30 seconds.", 30},
        Case{"retry after 2 minutes", 120}, Case{"Please wait 1.5 seconds", 1.5}})
    EXPECT_EQ(error(dump_json({{"error", {{"message", words}}}})).wait_s, wait_s) << words;
  for (const char* words : {"try again later", "try again in a moment", "wait for it", "limit 15 in 2024"})
    EXPECT_FALSE(error(dump_json({{"error", {{"message", words}}}})).wait_s) << words;
}

TEST(ServerError, Durations) {
  EXPECT_EQ(parse_duration("6m0s"), 360);
  EXPECT_EQ(parse_duration("2m59.56s"), 179.56);
  EXPECT_EQ(parse_duration("1h"), 3600);
  for (const char* text : {"", "5", "s", "-3s", "3 s", "soon", "1x", "nan"}) EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(ServerError, OneShortLine) {
  EXPECT_LE(error(std::string(100000, 'x')).message.size(), 2100U);
  EXPECT_EQ(error("{\"error\":\"first\\nsecond\\r\\n third\"}").message, "first second third");
  EXPECT_EQ(error("Bad gateway\n").message, "Bad gateway");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"error\":";
  EXPECT_NO_THROW(error(deep + "1" + std::string(100000, '}')));
}

}  // namespace
}  // namespace iteralign
