#pragma once
// The oracle behind an OpenAI-compatible chat-completions server: OpenAI, vLLM, llama-server, Ollama, or an embedded one.
// The API key, and what headers and address take from the environment, is read once; it is in no log, message, cache or file.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/trust.h"
#include "iteralign/config.h"
#include "iteralign/error.h"
#include "iteralign/oracle.h"
#include "oracle/attempt.h"
#include "oracle/chat_body.h"
#include "oracle/dialect.h"
#include "oracle/endpoint.h"
#include "oracle/kept_replies.h"
#include "oracle/pacer.h"
#include "oracle/retry_policy.h"
#include "oracle/usage_ledger.h"

namespace iteralign {

// The configuration (with an empty api_key_env no key is sent), and what is not configured. The client does not know of an embedded
// oracle's faults.
struct OracleOptions : OracleConfig {
  double connect_timeout_s = 10;
  double retry_base_s = 0.5;      // first wait; doubles with each retry up to a minute
  std::string server_name = {};   // stands for base_url in cache keys: an embedded oracle has another port each time. Empty: base_url
  OracleUsage spent_before = {};  // by earlier processes of the run; counts against the budget
};

class OpenAiOracle : public Oracle {
 public:
  // `cache` may be null and outlives the oracle. `should_stop` is asked often, from every thread that waits; may be empty.
  // Throws Error usage for a base_url that is none, for a missing key (a loopback server needs none), and for a cost limit without prices.
  OpenAiOracle(OracleOptions options, ReplyCache* cache, std::function<bool()> should_stop);
  ~OpenAiOracle() override;

  // See Oracle. Equal requests are sent once: the second one waits for the first. After an Error that no later call can mend, every call
  // that the cache cannot answer throws it again. Stopped: Error interrupted.
  OracleReply complete(const OracleRequest& request) override;
  [[nodiscard]] OracleUsage usage() const override;

 private:
  // The name of the server in cache keys.
  [[nodiscard]] const std::string& server_name() const { return options_.server_name.empty() ? endpoint_.base : options_.server_name; }
  [[nodiscard]] std::optional<OracleReply> find_kept(ReplyCache& cache, const OracleRequest& request, const std::string& key) const;
  OracleReply ask(const OracleRequest& request, const std::string& key);
  Attempt attempt(const OracleRequest& request, const Pacer::Slot& slot, const Dialect& dialect);
  HttpRequest http_request(const OracleRequest& request, const Dialect& dialect) const;
  void count(Attempt& made, const HttpRequest& http, const std::string& body, const OracleRequest& request);
  void learn(const Attempt& refused);
  // Waits before the next try, or decides that there is none: then the failed reply, or the Error.
  std::optional<OracleReply> after_failure(const Attempt& failed, int retry, const std::string& key, const Pacer::Slot& slot,
                                           double& wait_s);
  double wait_for_model(const Attempt& loading, Pacer::Clock::time_point since);
  void say_loading(double waited_s);
  OracleReply give_up(const Attempt& failed);
  OracleReply finish(OracleReply reply, const OracleRequest& request, const std::string& key);
  [[noreturn]] void end_all(const std::string& what, const std::string& hint);
  [[noreturn]] void throw_stopped();
  std::string scrub(std::string text) const;

  const OracleOptions options_;
  const ChatOptions chat_;
  const Endpoint endpoint_;
  std::vector<std::string> secrets_;  // in no text that leaves this class
  const std::string url_;
  const std::string api_key_;
  const std::vector<std::string> headers_;
  const Trust trust_;
  const RetryPolicy policy_;
  std::function<bool()> stop_asked_;  // the caller's, or all has ended
  KeptReplies kept_;

  HttpClient http_client_;
  Pacer pacer_;
  UsageLedger ledger_;
  std::atomic<int> failures_in_row_{0};
  std::atomic<bool> said_cut_{false};

  std::mutex mutex_;
  Dialect dialect_;                 // what has been found out
  double next_loading_line_s_ = 0;  // of a wait: when it is said again that the server is loading; 0: not said yet
  std::optional<Error> ended_;      // thrown to everybody from then on
  std::atomic<bool> has_ended_{false};
};

}  // namespace iteralign
