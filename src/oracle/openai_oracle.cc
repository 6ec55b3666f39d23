#include "oracle/openai_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "core/hash.h"
#include "core/log.h"
#include "core/random.h"
#include "core/strings.h"

namespace iteralign {
namespace {

constexpr int kMaxFailuresInRow = 8;
constexpr std::size_t kBytesPerToken = 4;  // a guess for servers that do not count

std::string read_api_key(const OracleOptions& options, const Endpoint& endpoint) {
  if (options.api_key_env.empty()) return {};
  const char* value = std::getenv(options.api_key_env.c_str());
  const std::string key(trim(value == nullptr ? "" : value));
  if (key.empty() && !endpoint.loopback)
    throw Error(ErrorKind::usage, "the environment variable " + options.api_key_env + " is not set", "oracle.api_key_env",
                "put the API key of " + endpoint.base + " into it; a server that needs no key takes any word");
  if (std::any_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }))
    throw Error(ErrorKind::usage, "the key in " + options.api_key_env + " holds a space or a control character", "oracle.api_key_env",
                "set it again");
  return key;
}

RetryPolicy policy_of(const OracleOptions& options) {
  RetryPolicy policy;
  policy.max_retries = options.max_retries;
  policy.base_s = options.retry_base_s;
  return policy;
}

Budget budget_of(const OracleOptions& options) {
  return {options.max_cost_usd, options.max_calls, options.max_tokens, options.price_prompt_per_million,
          options.price_completion_per_million};
}

OracleReply failed_reply(std::string message) { return {ReplyStatus::failed, std::move(message), 0, 0, false}; }

}  // namespace

// The right to ask a question; others who have the same one wait.
class OpenAiOracle::Claim {
 public:
  Claim(OpenAiOracle& oracle, const std::string& key) : oracle_(oracle), key_(key) {
    std::unique_lock lock(oracle_.mutex_);
    while (oracle_.claimed_.contains(key_)) {
      if (oracle_.stop_asked_()) {
        lock.unlock();
        oracle_.throw_stopped();
      }
      oracle_.claim_given_back_.wait_for(lock, std::chrono::milliseconds(50));
    }
    oracle_.claimed_.insert(key_);
  }
  ~Claim() {
    const std::lock_guard lock(oracle_.mutex_);
    oracle_.claimed_.erase(key_);
    oracle_.claim_given_back_.notify_all();
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  OpenAiOracle& oracle_;
  const std::string& key_;
};

OpenAiOracle::OpenAiOracle(OracleOptions options, ReplyCache* cache, std::function<bool()> should_stop)
    : options_(std::move(options)),
      chat_{options_.model, options_.max_tokens_field, options_.send_temperature},
      endpoint_(parse_endpoint(options_.base_url)),
      api_key_(read_api_key(options_, endpoint_)),
      policy_(policy_of(options_)),
      cache_(cache),
      stop_asked_([this, stop = std::move(should_stop)] { return has_ended_ || (stop && stop()); }),
      pacer_(options_.concurrency),
      ledger_(budget_of(options_), options_.spent_before) {}

OpenAiOracle::~OpenAiOracle() = default;

OracleUsage OpenAiOracle::usage() const { return ledger_.usage(); }

OracleReply OpenAiOracle::complete(const OracleRequest& request) {
  const std::string key = reply_key(options_.server_name.empty() ? endpoint_.base : options_.server_name, chat_, request);
  if (cache_ == nullptr) return ask(request, key);
  const Claim claim(*this, key);
  if (auto kept = cache_->find(key); kept && !(request.again && first_time_again(key))) {
    ledger_.add_cached();
    kept->cached = true;
    return *kept;
  }
  return ask(request, key);
}

bool OpenAiOracle::first_time_again(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return asked_again_.insert(key).second;
}

OracleReply OpenAiOracle::ask(const OracleRequest& request, const std::string& key) {
  if (stop_asked_()) throw_stopped();
  const UsageLedger::Reservation reservation(ledger_);
  for (int retry = 1;;) {
    double wait_s = 0;
    {
      const auto slot = pacer_.enter(stop_asked_);
      if (!slot) throw_stopped();
      const SchemaSupport support = schema_support_;
      const Attempt made = attempt(request, *slot, support);
      if (!made.fault.empty()) ledger_.add_fault(made.fault);
      if (made.kind == AttemptKind::done) return finish(made.reply, request, key);
      if (made.kind == AttemptKind::no_schema) {
        auto expected = support;
        schema_support_.compare_exchange_strong(expected,
                                                support == SchemaSupport::json_schema ? SchemaSupport::json_object : SchemaSupport::none);
        log_debug("oracle: {} does not take this response_format: {}", endpoint_.base, made.message);
        continue;
      }
      if (auto failed = after_failure(made, retry, key, *slot, wait_s)) return *failed;
    }
    ++retry;
    ledger_.add_retry();
    if (!pacer_.sleep(wait_s, stop_asked_)) throw_stopped();
  }
}

Attempt OpenAiOracle::attempt(const OracleRequest& request, const Pacer::Slot& slot, SchemaSupport support) {
  HttpRequest http;
  http.url = endpoint_.url;
  if (!api_key_.empty()) http.headers.push_back("Authorization: Bearer " + api_key_);
  http.body = chat_body(chat_, request, support);
  http.timeout_s = options_.timeout_s;
  http.connect_timeout_s = options_.connect_timeout_s;
  http.bypass_proxy = endpoint_.loopback;
  HttpReply reply = transport_.post(http, stop_asked_);
  if (reply.outcome == HttpOutcome::stopped) throw_stopped();
  reply.body = scrub(std::move(reply.body));

  const bool schema_sent = !request.schema.empty() && support != SchemaSupport::none;
  Attempt made = read_attempt(reply, {schema_sent, endpoint_.loopback, options_.api_key_env}, std::time(nullptr));
  const auto took = std::chrono::duration<double>(Pacer::Clock::now() - slot.since()).count();
  log_debug("oracle: {} in {:.2f} s{}{}", reply.status == 0 ? reply.error : fmt::format("HTTP {}", reply.status), took,
            reply.headers.contains("x-request-id") ? ", request " + reply.headers["x-request-id"] : "",
            made.message.empty() ? "" : ": " + shorten(made.message, 300));
  // A server that does not count its tokens must not make the budget endless.
  if (made.kind == AttemptKind::done && made.reply.prompt_tokens == 0 && made.reply.completion_tokens == 0) {
    made.reply.prompt_tokens = static_cast<int>(http.body.size() / kBytesPerToken);
    made.reply.completion_tokens = static_cast<int>(made.reply.text.size() / kBytesPerToken);
  }
  return made;
}

std::optional<OracleReply> OpenAiOracle::after_failure(const Attempt& failed, int retry, const std::string& key, const Pacer::Slot& slot,
                                                       double& wait_s) {
  if (failed.kind == AttemptKind::fatal) end_all(failed.message, failed.hint);
  if (failed.kind == AttemptKind::failed) return give_up(failed);
  if (failed.rate_limited && failed.asked.wait_s.value_or(0) > policy_.longest_asked_s)
    end_all(fmt::format("the server asks to wait {:.0f} s; {}", *failed.asked.wait_s, failed.message),
            "give the same command again after that time");
  // Chance from the question itself: threads differ, and nothing is shared.
  const double chance = Random(derive_seed(static_cast<std::uint64_t>(retry), key)).uniform();
  const auto wait = policy_.wait(retry, true, failed.asked, chance);
  if (!wait) {
    if (failed.kind == AttemptKind::unreachable) end_all(failed.message, failed.hint);
    return give_up(failed);
  }
  wait_s = *wait;
  if (failed.rate_limited) pacer_.rate_limited(wait_s, slot.since());
  if (failed.kind == AttemptKind::unreachable && retry == 1) log_info("oracle: {} {}; trying again", endpoint_.base, failed.message);
  return {};
}

OracleReply OpenAiOracle::give_up(const Attempt& failed) {
  log_debug("oracle: a request failed for good: {}", failed.message);
  if (!failed.own_fault && ++failures_in_row_ >= kMaxFailuresInRow)
    end_all(fmt::format("{} requests in a row failed, the last with: {}", kMaxFailuresInRow, failed.message),
            failed.hint.empty() ? "look at the server, then give the same command again" : failed.hint);
  return failed_reply(failed.message);
}

OracleReply OpenAiOracle::finish(OracleReply reply, const OracleRequest& request, const std::string& key) {
  failures_in_row_ = 0;
  pacer_.succeeded();
  ledger_.add_call(reply.prompt_tokens, reply.completion_tokens);
  if (cache_ != nullptr) cache_->keep(key, chat_body(chat_, request, SchemaSupport::json_schema), reply);
  return reply;
}

void OpenAiOracle::end_all(const std::string& what, const std::string& hint) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_.emplace(ErrorKind::remote, "the oracle: " + what, endpoint_.base, hint);
    has_ended_ = true;
  }
  throw_stopped();
}

void OpenAiOracle::throw_stopped() {
  const std::lock_guard lock(mutex_);
  if (ended_) throw Error(*ended_);
  throw Error(ErrorKind::interrupted, "interrupted while waiting for the oracle", endpoint_.base, "give the same command again to go on");
}

std::string OpenAiOracle::scrub(std::string text) const {
  // A short one is a placeholder such as "none": a word that replies may hold.
  constexpr std::size_t kShortestSecret = 12;
  return api_key_.size() < kShortestSecret ? text : replace_all(std::move(text), api_key_, "[redacted]");
}

}  // namespace iteralign
