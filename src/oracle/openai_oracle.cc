#include "oracle/openai_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>

#include "core/hash.h"
#include "core/log.h"
#include "core/random.h"
#include "core/strings.h"
#include "oracle/environment.h"

namespace iteralign {
namespace {

constexpr int kMaxFailuresInRow = 8;
constexpr std::size_t kBytesPerToken = 4;  // a guess for servers that do not count
constexpr double kLoadingPollBases = 10;   // of retry_base_s between two looks at a server that is loading: 5 s
constexpr double kLoadingLineBases = 60;   // and between two lines that say so: 30 s
// What a server may count beyond what was sent and asked for: a gateway's own prompt, thought that the limit does not hold for.
constexpr std::size_t kExtraPromptTokens = 20'000, kExtraCompletionTokens = 200'000;

// Headers that are the key themselves: Azure, Anthropic, Google, API gateways. Beside one of them no Authorization is sent.
bool is_key_header(const std::string& name) {
  const std::string lower = to_lower(name);
  return lower == "authorization" || lower == "api-key" || lower == "x-api-key" || lower == "x-goog-api-key" ||
         lower == "ocp-apim-subscription-key";
}

bool has_key_header(const OracleOptions& options) {
  return std::any_of(options.headers.begin(), options.headers.end(), [](const auto& header) { return is_key_header(header.first); });
}

std::string read_api_key(const OracleOptions& options, const Endpoint& endpoint) {
  if (options.api_key_env.empty() || has_key_header(options)) return {};
  const char* value = std::getenv(options.api_key_env.c_str());
  const std::string key(trim(value == nullptr ? "" : value));
  if (key.empty() && !endpoint.loopback && !contains(endpoint.base, "${"))
    throw Error(ErrorKind::usage, "the environment variable " + options.api_key_env + " is not set", "oracle.api_key_env",
                "put the API key of " + endpoint.base + " into it; a server that needs no key takes any word");
  if (std::any_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }))
    throw Error(ErrorKind::usage, "the key in " + options.api_key_env + " holds a space or a control character", "oracle.api_key_env",
                "set it again");
  return key;
}

// Adds to `secrets` what is taken from the environment.
std::string expanded(const std::string& text, const std::string& where, bool in_url, std::vector<std::string>& secrets) {
  Expanded made = expand_environment(text, where, in_url);
  secrets.insert(secrets.end(), made.secrets.begin(), made.secrets.end());
  return made.text;
}

std::vector<std::string> header_lines(const OracleOptions& options, const std::string& api_key, std::vector<std::string>& secrets) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : options.headers) {
    const std::string where = "oracle.headers." + name;
    const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || contains("!#$%&'*+-.^_`|~", std::string_view(&c, 1));
    });
    if (!is_name || value.find_first_of("\r\n") != std::string::npos)
      throw Error(ErrorKind::usage, "is no header: its name has letters, digits and dashes, its text is one line", where);
    if (to_lower(name) == "content-type" || to_lower(name) == "content-length")
      throw Error(ErrorKind::usage, "cannot be set: the body is JSON", where, "remove it");
    lines.push_back(name + ": " + expanded(value, where, false, secrets));
  }
  if (!api_key.empty()) lines.push_back("Authorization: Bearer " + api_key);
  return lines;
}

OracleOptions checked(OracleOptions options) {
  if (options.max_cost_usd > 0 && options.price_prompt_per_million <= 0 && options.price_completion_per_million <= 0)
    throw Error(ErrorKind::usage, "a limit of cost needs prices: without them everything costs nothing", "oracle.max_cost_usd",
                "set oracle.price_prompt_per_million and oracle.price_completion_per_million, or use oracle.max_tokens");
  return options;
}

// Whose key it was that a server did not take.
std::string key_source(const OracleOptions& options) {
  if (has_key_header(options)) return "oracle.headers";
  return options.api_key_env.empty() ? "" : "the environment variable " + options.api_key_env;
}

std::set<std::string> names_of(const std::string& extra_fields) {
  return extra_fields.empty() ? std::set<std::string>() : fields_of(extra_fields);
}

// `count` where it can be; else a guess from the text.
int plausible(int count, std::size_t limit, std::size_t bytes) {
  if (count > 0 && static_cast<std::size_t>(count) <= limit) return count;
  return static_cast<int>(bytes / kBytesPerToken);
}

RetryPolicy policy_of(const OracleOptions& options) {
  RetryPolicy policy;
  policy.max_retries = options.max_retries;
  policy.base_s = options.retry_base_s;
  return policy;
}

OracleReply failed_reply(std::string message) { return {ReplyStatus::failed, std::move(message), 0, 0, false}; }

}  // namespace

OpenAiOracle::OpenAiOracle(OracleOptions options, ReplyCache* cache, std::function<bool()> should_stop)
    : options_(checked(std::move(options))),
      chat_{options_.model, options_.max_tokens_field, options_.send_temperature, options_.reply_max_tokens, options_.body.text},
      endpoint_(parse_endpoint(options_.base_url)),
      url_(expanded(endpoint_.url, "oracle.base_url", true, secrets_)),
      api_key_(read_api_key(options_, endpoint_)),
      headers_(header_lines(options_, api_key_, secrets_)),
      trust_(endpoint_.https ? find_trust(options_.ca_file, "oracle.ca_file") : Trust{}),
      policy_(policy_of(options_)),
      stop_asked_([this, stop = std::move(should_stop)] { return has_ended_ || (stop && stop()); }),
      kept_(cache,
            [this] {
              if (stop_asked_()) throw_stopped();
            }),
      pacer_(options_.concurrency),
      ledger_(budget_of(options_), options_.spent_before) {
  if (!api_key_.empty()) secrets_.push_back(api_key_);
}

OpenAiOracle::~OpenAiOracle() = default;

OracleUsage OpenAiOracle::usage() const { return ledger_.usage(); }

OracleReply OpenAiOracle::complete(const OracleRequest& request) {
  const std::string key = reply_key(server_name(), chat_, request);
  OracleReply reply = kept_.reply_to(
      key, request.again, [&](ReplyCache& cache) { return find_kept(cache, request, key); }, [&] { return ask(request, key); });
  if (reply.cached) ledger_.add_cached();
  return reply;
}

// A reply that ended by itself does not depend on the length limit: a higher limit leaves it usable.
std::optional<OracleReply> OpenAiOracle::find_kept(ReplyCache& cache, const OracleRequest& request, const std::string& key) const {
  auto kept = cache.find(key);
  if (kept || chat_.reply_max_tokens == 0) return kept;
  ChatOptions without = chat_;
  without.reply_max_tokens = 0;
  kept = cache.find(reply_key(server_name(), without, request));
  return kept && kept->status != ReplyStatus::truncated ? kept : std::nullopt;
}

OracleReply OpenAiOracle::ask(const OracleRequest& request, const std::string& key) {
  const auto began = Pacer::Clock::now();
  Dialect dialect;
  for (int retry = 1;;) {
    if (stop_asked_()) throw_stopped();
    double wait_s = 0;
    {
      const auto slot = pacer_.enter(stop_asked_);
      if (!slot) throw_stopped();
      {
        const std::lock_guard lock(mutex_);
        dialect = lower_of(dialect, dialect_);
      }
      const UsageLedger::Reservation reservation(ledger_);
      const Attempt made = attempt(request, *slot, dialect);
      if (!made.fault.empty()) ledger_.add_fault(made.fault);
      if (made.kind == AttemptKind::done) return finish(made.reply, request, key);
      if (made.kind == AttemptKind::refused) {
        dialect = made.refusal->next;
        learn(made);
        continue;
      }
      if (made.kind == AttemptKind::loading)
        wait_s = wait_for_model(made, began);
      else if (auto failed = after_failure(made, retry++, key, *slot, wait_s))
        return *failed;
    }
    ledger_.add_retry();
    if (!pacer_.sleep(wait_s, stop_asked_)) throw_stopped();
  }
}

// Steps that every later request would have to find out again.
void OpenAiOracle::learn(const Attempt& refused) {
  const Refusal& refusal = *refused.refusal;
  if (!refusal.for_good) {
    log_debug("oracle: asked again without {}: {}", refusal.field, refused.message);
    return;
  }
  const std::lock_guard lock(mutex_);
  const Dialect lower = lower_of(dialect_, refusal.next);
  if (lower == dialect_) return;
  dialect_ = lower;
  log_info("oracle: {} does not take {} as it was sent; from now on it is left out or said in another way ({})", endpoint_.base,
           refusal.field, shorten(refused.message, 200));
}

HttpRequest OpenAiOracle::http_request(const OracleRequest& request, const Dialect& dialect) const {
  HttpRequest http;
  http.url = url_;
  http.headers = headers_;
  http.body = chat_body(chat_, request, dialect);
  http.timeout_s = options_.timeout_s;
  http.connect_timeout_s = options_.connect_timeout_s;
  http.bypass_proxy = endpoint_.loopback;
  http.trust = trust_;
  return http;
}

Attempt OpenAiOracle::attempt(const OracleRequest& request, const Pacer::Slot& slot, const Dialect& dialect) {
  const HttpRequest http = http_request(request, dialect);
  HttpReply reply = http_client_.post(http, stop_asked_);
  if (reply.outcome == HttpOutcome::stopped) throw_stopped();
  reply.body = scrub(std::move(reply.body));
  for (auto& [name, value] : reply.headers) value = scrub(std::move(value));

  Attempt made = read_attempt(reply,
                              {.dialect = dialect,
                               .sent = fields_of(http.body),
                               .extra = names_of(chat_.extra_fields),
                               .loopback = endpoint_.loopback,
                               .https = endpoint_.https,
                               .trusts_folders = !trust_.folders.empty(),
                               .trusts_certificates = !trust_.certificates.empty(),
                               .key_source = key_source(options_)},
                              std::time(nullptr));
  const auto took = std::chrono::duration<double>(Pacer::Clock::now() - slot.since()).count();
  log_debug("oracle: {} in {:.2f} s{}{}", reply.status == 0 ? reply.error : fmt::format("HTTP {}", reply.status), took,
            reply.headers.contains("x-request-id") ? ", request " + reply.headers["x-request-id"] : "",
            made.message.empty() ? "" : ": " + shorten(made.message, 300));
  count(made, http, reply.body, request);
  return made;
}

// Every reply counts, also a useless one: it was made, and may have to be paid for. A server that sends no token counts, or impossible
// ones, must not make the budget endless.
void OpenAiOracle::count(Attempt& made, const HttpRequest& http, const std::string& body, const OracleRequest& request) {
  if (!made.answered) return;
  const auto limit = static_cast<std::size_t>(std::max(request.max_tokens, options_.reply_max_tokens));
  OracleReply& reply = made.reply;
  const std::size_t text_bytes = made.kind == AttemptKind::done ? reply.text.size() : std::min(body.size(), limit * kBytesPerToken);
  reply.prompt_tokens = plausible(reply.prompt_tokens, http.body.size() + kExtraPromptTokens, http.body.size());
  reply.completion_tokens = plausible(reply.completion_tokens, limit + kExtraCompletionTokens, text_bytes);
  ledger_.add_call(reply.prompt_tokens, reply.completion_tokens);
}

// A server may load its model for minutes: these tries are not counted, but have a time limit of their own.
double OpenAiOracle::wait_for_model(const Attempt& loading, Pacer::Clock::time_point since) {
  const double waited_s = std::chrono::duration<double>(Pacer::Clock::now() - since).count();
  if (waited_s >= options_.loading_timeout_s)
    end_all(fmt::format("the server is still loading its model after {:.0f} s; {}", waited_s, loading.message),
            "wait until it is ready and give the same command again, or raise oracle.loading_timeout_s");
  say_loading(waited_s);
  const double poll_s = kLoadingPollBases * options_.retry_base_s;
  return std::min({loading.asked.wait_s.value_or(poll_s), poll_s, std::max(options_.retry_base_s, options_.loading_timeout_s - waited_s)});
}

// At once, and then now and again.
void OpenAiOracle::say_loading(double waited_s) {
  const std::lock_guard lock(mutex_);
  if (waited_s < next_loading_line_s_) return;
  if (next_loading_line_s_ == 0)
    log_info("oracle: {} is loading its model; waiting for up to {:.0f} s", endpoint_.base, options_.loading_timeout_s);
  else
    log_info("oracle: {} is still loading its model, {:.0f} of up to {:.0f} s", endpoint_.base, waited_s, options_.loading_timeout_s);
  next_loading_line_s_ = waited_s + kLoadingLineBases * options_.retry_base_s;
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
  if (reply.status == ReplyStatus::truncated && trim(reply.text).empty()) {
    const int limit = options_.reply_max_tokens > 0 ? options_.reply_max_tokens : request.max_tokens;
    reply.text = fmt::format("cut off after {} tokens, before it said anything: raise oracle.reply_max_tokens", limit);
    if (!said_cut_.exchange(true))
      log_warning(
          "the oracle's reply was cut off after {} tokens, before it said anything; a model that thinks first needs more: raise "
          "oracle.reply_max_tokens",
          limit);
  }
  kept_.keep(key, chat_body(chat_, request, {}), reply);
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
  for (const std::string& secret : secrets_)
    if (secret.size() >= kShortestSecret) text = replace_all(std::move(text), secret, "[redacted]");
  return text;
}

}  // namespace iteralign
