#include "oracle/attempt.h"

#include <fmt/format.h>

#include "core/foreign_json.h"
#include "core/strings.h"
#include "oracle/error_meaning.h"
#include "protocol/chat_reply.h"

namespace iteralign {
namespace {

Attempt attempt(AttemptKind kind, std::string fault, std::string message, std::string hint = {}) {
  Attempt made;
  made.kind = kind;
  made.fault = std::move(fault);
  made.message = std::move(message);
  made.hint = std::move(hint);
  return made;
}

// How to mend it where client and server cannot talk to each other.
std::string hint_of(Incompatibility incompatibility, const AttemptContext& context) {
  switch (incompatibility) {
    case Incompatibility::plain_text:
      return "the server speaks plain http: write http:// in oracle.base_url";
    case Incompatibility::no_http:
      return "if the server speaks TLS, write https:// in oracle.base_url";
    case Incompatibility::trust_file:
      return "oracle.ca_file, or the variable that stands for it, does not name a file of PEM certificates";
    case Incompatibility::expired:
      return "the server's certificate has expired: renew it, and look at this machine's clock";
    case Incompatibility::not_yet_valid:
      return "look at this machine's clock";
    case Incompatibility::other_host:
      return "the certificate is another host's: write the name that it has in oracle.base_url";
    case Incompatibility::untrusted:
      if (context.trusts_folders)
        return "the certificates of a folder are found by the names that `openssl rehash FOLDER` gives them; or name one PEM file in "
               "oracle.ca_file";
      if (context.trusts_certificates)
        return "none of the certificates that oracle.ca_file or the environment names signed the server's: name the authority that did";
      return "where the certificate is your own or of a private authority, name that one's PEM file in oracle.ca_file or SSL_CERT_FILE";
    default:
      return "look at the TLS settings of the server";
  }
}

Attempt without_reply(const HttpReply& reply, const AttemptContext& context) {
  switch (reply.outcome) {
    case HttpOutcome::timeout:
      return attempt(AttemptKind::retry, "timeout", "no reply in time: " + reply.error, "raise oracle.timeout_s, or look at the server");
    case HttpOutcome::dropped:
      return attempt(
          AttemptKind::retry, "connection", "the connection was dropped: " + reply.error,
          context.https ? "look at the server's log" : "look at the server's log; if it speaks TLS, write https:// in oracle.base_url");
    case HttpOutcome::incompatible:
      return attempt(AttemptKind::fatal, "connection",
                     (context.https ? "no secure connection: " : "no HTTP is spoken there: ") + reply.error,
                     hint_of(reply.incompatibility, context));
    default:
      return attempt(AttemptKind::unreachable, "connection", "cannot be reached: " + reply.error,
                     contains(reply.error, "Empty reply") && !context.https
                         ? "is this the port of the server? if it speaks TLS there, write https:// in oracle.base_url"
                     : context.loopback ? "is the server running, and is the port in oracle.base_url right?"
                                        : "check the network, oracle.base_url, and HTTPS_PROXY where there is a proxy");
  }
}

ReplyStatus status_of(ChatFinish finish) {
  switch (finish) {
    case ChatFinish::length:
      return ReplyStatus::truncated;
    case ChatFinish::content_filter:
      return ReplyStatus::filtered;
    case ChatFinish::refusal:
      return ReplyStatus::refused;
    default:
      return ReplyStatus::answered;
  }
}

OracleReply oracle_reply(ChatReply reply) {
  return {status_of(reply.finish), std::move(reply.text), reply.prompt_tokens, reply.completion_tokens, false};
}

Attempt with_reply(OracleReply reply) {
  Attempt made;
  if (reply.status == ReplyStatus::refused) made.fault = "refused";
  if (reply.status == ReplyStatus::filtered) made.fault = "filtered";
  if (reply.status == ReplyStatus::truncated) made.fault = "truncated";
  made.reply = std::move(reply);
  return made;
}

// The meaning of a status when the words say nothing special.
Attempt by_status(int status, const ServerError& error, const HttpReply& reply, const AttemptContext& context) {
  const std::string fault = fmt::format("http_{}", status), message = fmt::format("HTTP {}: {}", status, error.message);
  if (status < 400) {
    const auto found = reply.headers.find("location");
    const std::string location = found == reply.headers.end() ? "" : found->second;
    const bool same_kind = location.starts_with("http") && contains(location, "/chat/completions");
    return attempt(AttemptKind::fatal, fault, "the server redirects" + (location.empty() ? "" : " to " + location) + "; " + message,
                   same_kind ? "oracle.base_url may be meant as " + location : "check oracle.base_url; is this the page of a login?");
  }
  if (status == 404 || status == 405)
    return attempt(AttemptKind::fatal, fault, "no such address or model; " + message,
                   "check oracle.base_url (most end in /v1) and oracle.model");
  if (status == 407) return attempt(AttemptKind::fatal, fault, "the proxy wants a password; " + message, "put it into HTTPS_PROXY");
  for (const auto& field : context.extra)
    if (refuses_field(error, field))
      return attempt(AttemptKind::fatal, fault, "the server does not take a field; " + message, "take " + field + " out of oracle.body");
  if (refuses_length(error))
    return attempt(AttemptKind::fatal, fault, "the server does not take this length limit; " + message,
                   "set oracle.reply_max_tokens to a number that it takes");
  return attempt(AttemptKind::failed, fault, message);
}

Attempt key_refused(int status, const std::string& message, const AttemptContext& context, bool page) {
  const std::string fault = fmt::format("http_{}", status);
  // A firewall's page in place of the server's reply: firewalls look for texts such as red-team prompts.
  if (status == 403 && page)
    return attempt(AttemptKind::failed, fault, "refused by a page, not by the server; " + message,
                   "is there a firewall or a proxy before the server?");
  return attempt(AttemptKind::fatal, fault, "the key is not accepted; " + message,
                 context.key_source.empty() ? "name the variable that holds the key in oracle.api_key_env"
                                            : "put a valid key into " + context.key_source + "; has it access to oracle.model?");
}

Attempt retry(int status, const ServerError& error, const RetryHeaders& asked, ErrorMeaning meaning) {
  Attempt made = attempt(AttemptKind::retry, fmt::format("http_{}", status), fmt::format("HTTP {}: {}", status, error.message));
  made.asked = asked;
  made.rate_limited = meaning == ErrorMeaning::rate_limited || asked.wait_s.has_value();
  if (meaning == ErrorMeaning::rate_limited) made.hint = "lower oracle.concurrency, or try again later";
  return made;
}

Attempt server_error(int status, const ServerError& error, const HttpReply& reply, const AttemptContext& context, std::time_t now) {
  const std::string fault = fmt::format("http_{}", status), message = fmt::format("HTTP {}: {}", status, error.message);
  RetryHeaders asked = parse_retry_headers(reply.headers, now);
  const ErrorMeaning meaning = meaning_of(status, error, asked.wait_s.has_value());
  if (!asked.wait_s && error.wait_s && *error.wait_s > 0) asked.wait_s = error.wait_s;
  if (!asked.wait_s) asked.wait_s = parse_reset_headers(reply.headers, now);
  switch (meaning) {
    case ErrorMeaning::moderated:
      return with_reply({ReplyStatus::filtered, error.message, 0, 0, false});
    case ErrorMeaning::quota_spent:
      return attempt(AttemptKind::fatal, fault, "the account has no quota left; " + message,
                     "add credit, then give the same command again");
    case ErrorMeaning::wrong_scheme:
      return attempt(AttemptKind::fatal, fault, message, "write https:// in oracle.base_url");
    case ErrorMeaning::too_long: {
      Attempt failed = attempt(AttemptKind::failed, fault, message);
      failed.own_fault = true;
      return failed;
    }
    case ErrorMeaning::key_refused:
      return key_refused(status, message, context, trim(reply.body).starts_with("<"));
    case ErrorMeaning::loading: {
      Attempt loading = attempt(AttemptKind::loading, fault, message);
      loading.asked = asked;
      return loading;
    }
    default:
      break;
  }
  if (status >= 400 && meaning != ErrorMeaning::rate_limited) {
    if (auto refusal = refusal_of(status, error, context.sent, context.dialect)) {
      Attempt refused = attempt(AttemptKind::refused, "", message);
      refused.refusal = std::move(refusal);
      return refused;
    }
  }
  if (meaning == ErrorMeaning::model_unknown) return attempt(AttemptKind::fatal, fault, "no such model; " + message, "check oracle.model");
  const bool may_pass = is_retryable_status(status) || meaning == ErrorMeaning::rate_limited;
  if (asked.should_retry.value_or(may_pass)) return retry(status, error, asked, meaning);
  return may_pass ? attempt(AttemptKind::failed, fault, error.message) : by_status(status, error, reply, context);
}

// What is wrong with the address of a server that answers in another protocol than that of chat completions.
std::string other_protocol(const std::string& body) {
  if (trim(body).starts_with("data:") || trim(body).starts_with("event:")) return "it streams: set oracle.body to {stream: false}";
  const Json value = parse_foreign_json(body);
  if (!value.is_object()) return "is oracle.base_url an OpenAI-compatible server?";
  const std::string wanted = "; oracle.base_url wants the address of its chat completions, which mostly ends in /v1";
  if (value.contains("done") || value.contains("done_reason")) return "this is Ollama's own protocol" + wanted;
  if (value.contains("output")) return "this is the protocol of responses" + wanted;
  if (value.contains("stop_reason")) return "this is Anthropic's own protocol" + wanted;
  if (value.contains("candidates")) return "this is Gemini's own protocol" + wanted;
  return "is oracle.base_url an OpenAI-compatible server?";
}

}  // namespace

Attempt read_attempt(const HttpReply& reply, const AttemptContext& context, std::time_t now) {
  if (reply.outcome != HttpOutcome::answered) return without_reply(reply, context);
  if (reply.status / 100 != 2) return server_error(reply.status, parse_server_error(reply.body), reply, context, now);
  ReadChatReply parsed = read_chat_reply(reply.body);
  Attempt made;
  if (parsed.error)
    made = server_error(parsed.error->status >= 300 ? parsed.error->status : 500, *parsed.error, reply, context, now);
  else if (parsed.reply)
    made = with_reply(oracle_reply(std::move(*parsed.reply)));
  else
    made = attempt(AttemptKind::retry, "malformed",
                   "the reply is no chat completion (" + other_protocol(reply.body) + "): " + shorten(trim(reply.body), 200),
                   other_protocol(reply.body));
  made.answered = true;
  return made;
}

}  // namespace iteralign
