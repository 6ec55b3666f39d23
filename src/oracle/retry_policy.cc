#include "oracle/retry_policy.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "protocol/server_error.h"

namespace iteralign {
namespace {

std::optional<double> number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size() || !std::isfinite(value)) return {};
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7)
std::optional<std::time_t> http_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return {};
  return ::timegm(&parts);
}

std::optional<std::string> value_of(const std::map<std::string, std::string>& headers, const char* name) {
  const auto found = headers.find(name);
  if (found == headers.end()) return {};
  return found->second;
}

}  // namespace

RetryHeaders parse_retry_headers(const std::map<std::string, std::string>& headers, std::time_t now) {
  RetryHeaders asked;
  if (const auto text = value_of(headers, "x-should-retry"); text == "true" || text == "false") asked.should_retry = text == "true";
  if (const auto text = value_of(headers, "retry-after-ms")) {
    if (const auto milliseconds = number(*text)) asked.wait_s = *milliseconds / 1000;
  }
  if (const auto text = value_of(headers, "retry-after"); text && !asked.wait_s) {
    if (const auto seconds = number(*text)) {
      asked.wait_s = *seconds;
    } else if (const auto date = http_date(*text)) {
      asked.wait_s = std::difftime(*date, now);
    }
  }
  if (asked.wait_s && *asked.wait_s <= 0) asked.wait_s.reset();
  return asked;
}

std::optional<double> parse_reset_headers(const std::map<std::string, std::string>& headers, std::time_t now) {
  constexpr double kLongest = 120, kEpoch = 1e9, kEpochMilliseconds = 1e12;
  std::optional<double> longest;
  for (const char* kind : {"", "-requests", "-tokens"}) {
    for (const std::string prefix : {"x-ratelimit-", "ratelimit-"}) {
      const auto reset = value_of(headers, (prefix + "reset" + kind).c_str());
      const auto left = number(value_of(headers, (prefix + "remaining" + kind).c_str()).value_or(""));
      if (!reset || left.value_or(0) > 0) continue;
      auto seconds = number(*reset);
      if (seconds && *seconds > kEpoch) seconds = *seconds / (*seconds > kEpochMilliseconds ? 1000 : 1) - static_cast<double>(now);
      if (!seconds) seconds = parse_duration(*reset);
      if (seconds && *seconds > 0 && *seconds <= kLongest) longest = std::max(longest.value_or(0), *seconds);
    }
  }
  return longest;
}

bool is_retryable_status(int status) { return status == 408 || status == 409 || status == 429 || status >= 500; }

std::optional<double> RetryPolicy::wait(int retry, bool retryable, const RetryHeaders& asked, double chance) const {
  if (retry > max_retries || !asked.should_retry.value_or(retryable)) return {};
  if (asked.wait_s) {
    if (*asked.wait_s > longest_asked_s) return {};
    return *asked.wait_s;
  }
  return std::min(base_s * std::exp2(retry - 1), cap_s) * (1.0 - 0.25 * chance);
}

}  // namespace iteralign
