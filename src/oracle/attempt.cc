#include "oracle/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "core/strings.h"
#include "oracle/chat_protocol.h"

namespace iteralign {
namespace {

bool names_one(const std::string& text, std::initializer_list<const char*> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const char* part) { return contains(text, part); });
}

Attempt attempt(AttemptKind kind, std::string fault, std::string message, std::string hint = {}) {
  Attempt made;
  made.kind = kind;
  made.fault = std::move(fault);
  made.message = std::move(message);
  made.hint = std::move(hint);
  return made;
}

Attempt without_reply(const HttpReply& reply, const AttemptContext& context) {
  switch (reply.outcome) {
    case HttpOutcome::timeout:
      return attempt(AttemptKind::retry, "timeout", "no reply in time: " + reply.error, "raise oracle.timeout_s, or look at the server");
    case HttpOutcome::dropped:
      return attempt(AttemptKind::retry, "connection", "the connection was dropped: " + reply.error, "look at the server's log");
    default:
      return attempt(
          AttemptKind::unreachable, "connection", "cannot be reached: " + reply.error,
          context.loopback ? "is the server running, and is the port in oracle.base_url right?" : "check the network and oracle.base_url");
  }
}

Attempt with_reply(OracleReply reply) {
  Attempt made;
  if (reply.status == ReplyStatus::refused) made.fault = "refused";
  if (reply.status == ReplyStatus::filtered) made.fault = "filtered";
  if (reply.status == ReplyStatus::truncated) made.fault = "truncated";
  made.reply = std::move(reply);
  return made;
}

// Errors that every request would meet, by what the server says about the request's fields.
std::string field_hint(const std::string& said) {
  if (!names_one(said, {"unsupported", "not supported", "unrecognized", "does not support"})) return {};
  if (contains(said, "max_completion_tokens")) return "set oracle.max_tokens_field: max_completion_tokens";
  if (contains(said, "max_tokens")) return "set oracle.max_tokens_field: max_completion_tokens";
  if (contains(said, "temperature")) return "set oracle.send_temperature: false";
  return {};
}

Attempt client_error(int status, const ServerError& error, const HttpReply& reply, const AttemptContext& context) {
  const std::string fault = fmt::format("http_{}", status), message = fmt::format("HTTP {}: {}", status, error.message);
  const std::string said = to_lower(error.message + " " + error.code + " " + error.param);
  if (names_one(said, {"insufficient_quota", "exceeded your current quota"}) || status == 402)
    return attempt(AttemptKind::fatal, fault, "the account has no quota left; " + message, "add credit, then give the same command again");
  if (status == 401 || status == 403)
    return attempt(AttemptKind::fatal, fault, "the key is not accepted; " + message,
                   context.api_key_env.empty() ? "name the variable that holds the key in oracle.api_key_env"
                                               : "put a valid key into the environment variable " + context.api_key_env);
  if (names_one(said, {"content_filter", "content_policy", "content management policy"}))
    return with_reply({ReplyStatus::filtered, error.message, 0, 0, false});
  if (context.schema_sent && names_one(said, {"response_format", "json_schema", "json_object", "structured output", "grammar"}))
    return attempt(AttemptKind::no_schema, "", message);
  if (status < 400) {
    const auto location = reply.headers.find("location");
    return attempt(AttemptKind::fatal, fault, "the server redirects; " + message,
                   location == reply.headers.end() ? "check oracle.base_url" : "oracle.base_url may be meant as " + location->second);
  }
  if (status == 404 || status == 405)
    return attempt(AttemptKind::fatal, fault, "no such address or model; " + message,
                   "check oracle.base_url (most end in /v1) and oracle.model");
  if (const std::string hint = field_hint(said); !hint.empty())
    return attempt(AttemptKind::fatal, fault, "the server does not take a field; " + message, hint);
  Attempt failed = attempt(AttemptKind::failed, fault, message);
  failed.own_fault = status == 413 || names_one(said, {"context length", "context_length", "maximum context", "context size", "too long"});
  return failed;
}

Attempt http_error(int status, const ServerError& error, const HttpReply& reply, const AttemptContext& context, std::time_t now) {
  const bool no_quota = names_one(to_lower(error.code + " " + error.message), {"insufficient_quota", "exceeded your current quota"});
  const RetryHeaders asked = parse_retry_headers(reply.headers, now);
  if (!asked.should_retry.value_or(is_retryable_status(status)) || no_quota) {
    if (is_retryable_status(status) && !no_quota) return attempt(AttemptKind::failed, fmt::format("http_{}", status), error.message);
    return client_error(status, error, reply, context);
  }
  Attempt made = attempt(AttemptKind::retry, fmt::format("http_{}", status), fmt::format("HTTP {}: {}", status, error.message));
  made.asked = asked;
  made.rate_limited = status == 429 || asked.wait_s.has_value();
  if (status == 429) made.hint = "lower oracle.concurrency, or try again later";
  return made;
}

}  // namespace

Attempt read_attempt(const HttpReply& reply, const AttemptContext& context, std::time_t now) {
  if (reply.outcome != HttpOutcome::answered) return without_reply(reply, context);
  if (reply.status / 100 != 2) return http_error(reply.status, parse_server_error(reply.body), reply, context, now);
  if (const auto error = error_in_success(reply.body))
    return http_error(error->status >= 300 ? error->status : 500, *error, reply, context, now);
  if (auto parsed = parse_chat_reply(reply.body)) return with_reply(std::move(*parsed));
  return attempt(AttemptKind::retry, "malformed", "the reply is no chat completion: " + shorten(trim(reply.body), 200),
                 "is oracle.base_url an OpenAI-compatible server?");
}

}  // namespace iteralign
