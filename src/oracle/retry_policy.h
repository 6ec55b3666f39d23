#pragma once
// When a failed HTTP request is tried again, and after what wait. Pure: the clock and the chance come from outside.
// The classes of error and the headers are those of OpenAI's official client.

#include <ctime>
#include <map>
#include <optional>
#include <string>

namespace iteralign {

// What the reply's headers ask for.
struct RetryHeaders {
  std::optional<bool> should_retry;  // x-should-retry
  std::optional<double> wait_s;      // retry-after-ms; else retry-after: seconds or an HTTP date
};
RetryHeaders parse_retry_headers(const std::map<std::string, std::string>& headers, std::time_t now);

// When the limit that is used up is full again (x-ratelimit-reset-requests, -tokens and their kin), in seconds. Only a hint: nothing where
// a limit of that name has something left, and nothing that is longer than a few minutes.
std::optional<double> parse_reset_headers(const std::map<std::string, std::string>& headers, std::time_t now);

// Is this HTTP status worth another try: 408, 409, 429 and 500 or more.
bool is_retryable_status(int status);

struct RetryPolicy {
  int max_retries = 6;
  double base_s = 0.5, cap_s = 60.0;  // the wait doubles from base_s to cap_s
  double longest_asked_s = 120.0;     // a server that asks for a longer wait is given up

  // Seconds to wait before try number `retry` (from 1), or nothing: give up. `retryable` is what the status or the failure says,
  // `chance` in [0, 1) shortens the wait by up to a quarter, so that many threads do not come back at once.
  [[nodiscard]] std::optional<double> wait(int retry, bool retryable, const RetryHeaders& asked, double chance) const;
};

}  // namespace iteralign
