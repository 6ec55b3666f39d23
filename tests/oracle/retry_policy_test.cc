#include "oracle/retry_policy.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

constexpr std::time_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryHeaders, Seconds) {
  EXPECT_EQ(parse_retry_headers({{"retry-after", "7"}}, kNow).wait_s, 7.0);
  EXPECT_EQ(parse_retry_headers({{"retry-after", "0.25"}}, kNow).wait_s, 0.25);
}

TEST(RetryHeaders, MillisecondsCountMore) {
  EXPECT_EQ(parse_retry_headers({{"retry-after", "7"}, {"retry-after-ms", "1500"}}, kNow).wait_s, 1.5);
}

TEST(RetryHeaders, Date) { EXPECT_EQ(parse_retry_headers({{"retry-after", "Sun, 06 Nov 1994 08:50:00 GMT"}}, kNow).wait_s, 23.0); }

TEST(RetryHeaders, WhatMakesNoSenseIsIgnored) {
  for (const char* value : {"", "soon", "-3", "0", "nan", "inf", "Sun, 06 Nov 1994 08:00:00 GMT", "5 apples"})
    EXPECT_FALSE(parse_retry_headers({{"retry-after", value}}, kNow).wait_s) << value;
  EXPECT_FALSE(parse_retry_headers({{"x-should-retry", "perhaps"}}, kNow).should_retry);
}

TEST(RetryHeaders, ShouldRetry) {
  EXPECT_EQ(parse_retry_headers({{"x-should-retry", "true"}}, kNow).should_retry, true);
  EXPECT_EQ(parse_retry_headers({{"x-should-retry", "false"}}, kNow).should_retry, false);
}

TEST(RetryHeaders, WhenALimitIsFullAgain) {
  EXPECT_EQ(parse_reset_headers({{"x-ratelimit-reset-requests", "3s"}}, kNow), 3);
  EXPECT_EQ(
      parse_reset_headers(
          {{"x-ratelimit-reset-requests", "1m0s"}, {"x-ratelimit-reset-tokens", "7.66s"}, {"x-ratelimit-remaining-requests", "12"}}, kNow),
      7.66);
  EXPECT_EQ(parse_reset_headers({{"ratelimit-reset", "20"}}, kNow), 20);
  EXPECT_EQ(parse_reset_headers({{"x-ratelimit-reset", "1700000030000"}}, 1700000000), 30);  // OpenRouter: milliseconds since 1970
  EXPECT_EQ(parse_reset_headers({{"x-ratelimit-reset", "1700000030"}}, 1700000000), 30);
  EXPECT_FALSE(parse_reset_headers({{"x-ratelimit-reset-requests", "23h"}}, kNow));
  EXPECT_FALSE(parse_reset_headers({{"x-ratelimit-reset-requests", "soon"}, {"x-ratelimit-reset", "-4"}}, kNow));
}

TEST(RetryPolicy, Statuses) {
  for (const int status : {408, 409, 429, 500, 502, 503, 529}) EXPECT_TRUE(is_retryable_status(status)) << status;
  for (const int status : {400, 401, 402, 403, 404, 405, 413, 422}) EXPECT_FALSE(is_retryable_status(status)) << status;
}

TEST(RetryPolicy, WaitDoublesUpToTheCap) {
  RetryPolicy policy;
  policy.max_retries = 20;
  EXPECT_EQ(policy.wait(1, true, {}, 0.0), 0.5);
  EXPECT_EQ(policy.wait(2, true, {}, 0.0), 1.0);
  EXPECT_EQ(policy.wait(5, true, {}, 0.0), 8.0);
  EXPECT_EQ(policy.wait(20, true, {}, 0.0), 60.0);
}

TEST(RetryPolicy, ChanceShortensByUpToAQuarter) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.wait(1, true, {}, 1.0), 0.375);
  EXPECT_EQ(policy.wait(3, true, {}, 0.5), 1.75);
}

TEST(RetryPolicy, TheServersWaitIsKept) {
  const RetryPolicy policy;
  EXPECT_EQ(policy.wait(1, true, {{}, 90.0}, 0.9), 90.0);
  EXPECT_FALSE(policy.wait(1, true, {{}, 121.0}, 0.0));
}

TEST(RetryPolicy, GivesUp) {
  RetryPolicy policy;
  policy.max_retries = 2;
  EXPECT_TRUE(policy.wait(2, true, {}, 0.0));
  EXPECT_FALSE(policy.wait(3, true, {}, 0.0));
  EXPECT_FALSE(policy.wait(1, false, {}, 0.0));
  EXPECT_FALSE(policy.wait(1, true, {false, {}}, 0.0));
  EXPECT_TRUE(policy.wait(1, false, {true, {}}, 0.0));
}

}  // namespace
}  // namespace iteralign
