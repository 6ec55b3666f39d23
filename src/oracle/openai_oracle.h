#pragma once
// The oracle behind an OpenAI-compatible chat-completions server: OpenAI, vLLM, llama-server, Ollama, or an embedded one.
// The API key is read once from its environment variable; it is in no log, message, cache or file.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "iteralign/error.h"
#include "iteralign/oracle.h"
#include "oracle/attempt.h"
#include "oracle/chat_protocol.h"
#include "oracle/endpoint.h"
#include "oracle/http_transport.h"
#include "oracle/pacer.h"
#include "oracle/retry_policy.h"
#include "oracle/usage_ledger.h"

namespace iteralign {

// Names and defaults as in the configuration (OracleConfig); `connect_timeout_s` and the rest are not configured.
struct OracleOptions {
  std::string base_url;
  std::string model;
  std::string api_key_env = "OPENAI_API_KEY";  // empty: no key is sent
  int concurrency = 8;
  int max_retries = 6;
  double timeout_s = 600;
  double max_cost_usd = 0;
  std::int64_t max_calls = 0;
  std::int64_t max_tokens = 0;
  double price_prompt_per_million = 0, price_completion_per_million = 0;
  std::string max_tokens_field = "max_tokens";
  bool send_temperature = true;
  double connect_timeout_s = 10;
  double retry_base_s = 0.5;  // first wait; doubles with each retry up to a minute
  std::string server_name;    // stands for base_url in cache keys: an embedded oracle has another port each time. Empty: base_url
  OracleUsage spent_before;   // by earlier processes of the run; counts against the budget
};

class OpenAiOracle : public Oracle {
 public:
  // `cache` may be null and outlives the oracle. `should_stop` is asked often, from every thread that waits; may be empty.
  // Throws Error usage for a base_url that is none, and for a missing key (a loopback server needs none).
  OpenAiOracle(OracleOptions options, ReplyCache* cache, std::function<bool()> should_stop);
  ~OpenAiOracle() override;

  // See Oracle. Requests that are equal are asked once: the second waits for the first. After an Error that no later call can
  // mend every call throws it, but for those that the cache answers. Stopped: Error interrupted.
  OracleReply complete(const OracleRequest& request) override;
  [[nodiscard]] OracleUsage usage() const override;

 private:
  class Claim;

  bool first_time_again(const std::string& key);
  OracleReply ask(const OracleRequest& request, const std::string& key);
  Attempt attempt(const OracleRequest& request, const Pacer::Slot& slot, SchemaSupport support);
  // Waits before the next try, or decides that there is none: then the failed reply, or the Error.
  std::optional<OracleReply> after_failure(const Attempt& failed, int retry, const std::string& key, const Pacer::Slot& slot,
                                           double& wait_s);
  OracleReply give_up(const Attempt& failed);
  OracleReply finish(OracleReply reply, const OracleRequest& request, const std::string& key);
  [[noreturn]] void end_all(const std::string& what, const std::string& hint);
  [[noreturn]] void throw_stopped();
  std::string scrub(std::string text) const;

  const OracleOptions options_;
  const ChatOptions chat_;
  const Endpoint endpoint_;
  const std::string api_key_;
  const RetryPolicy policy_;
  ReplyCache* const cache_;
  std::function<bool()> stop_asked_;  // the caller's, or all has ended

  HttpTransport transport_;
  Pacer pacer_;
  UsageLedger ledger_;
  std::atomic<SchemaSupport> schema_support_{SchemaSupport::json_schema};
  std::atomic<int> failures_in_row_{0};

  std::mutex mutex_;
  std::condition_variable claim_given_back_;
  std::set<std::string> claimed_;      // keys of the requests that are being asked
  std::set<std::string> asked_again_;  // keys of the requests whose kept reply was replaced
  std::optional<Error> ended_;         // thrown to everybody from then on
  std::atomic<bool> has_ended_{false};
};

}  // namespace iteralign
