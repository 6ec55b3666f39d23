#include "cli/oracle_client.h"

#include <utility>

#include "core/interrupt.h"
#include "offline/embedded_oracle.h"
#include "oracle/openai_oracle.h"

namespace iteralign {
namespace {

OracleOptions oracle_options(const OracleConfig& config, const OracleUsage& spent_before) {
  OracleOptions options;
  options.base_url = config.base_url;
  options.model = config.model;
  options.api_key_env = config.api_key_env;
  options.concurrency = config.concurrency;
  options.max_retries = config.max_retries;
  options.timeout_s = config.timeout_s;
  options.max_cost_usd = config.max_cost_usd;
  options.max_calls = config.max_calls;
  options.max_tokens = config.max_tokens;
  options.price_prompt_per_million = config.price_prompt_per_million;
  options.price_completion_per_million = config.price_completion_per_million;
  options.max_tokens_field = config.max_tokens_field;
  options.send_temperature = config.send_temperature;
  options.reply_max_tokens = config.reply_max_tokens;
  options.headers = config.headers;
  options.extra_fields = config.body.text;
  options.ca_file = config.ca_file;
  options.loading_timeout_s = config.loading_timeout_s;
  options.spent_before = spent_before;
  return options;
}

// An embedded oracle is a server like any other; it lives as long as the client that asks it.
class OracleWithServer : public Oracle {
 public:
  OracleWithServer(const OracleConfig& config, OracleOptions options, ReplyCache& cache)
      : server_(
            config.base_url,
            {.model = {},
             .port = 0,
             .connections = config.concurrency + 8,
             .request_log = config.request_log,
             .misbehaviour = {.rate = config.fault_rate, .kinds = config.fault_kinds, .wrong_verdict_rate = config.wrong_verdict_rate}}),
        client_(with_address(std::move(options)), &cache, interrupted) {}
  OracleReply complete(const OracleRequest& request) override { return client_.complete(request); }
  [[nodiscard]] OracleUsage usage() const override { return client_.usage(); }

 private:
  OracleOptions with_address(OracleOptions options) const {
    options.server_name = options.base_url;
    options.base_url = server_.base_url();
    options.api_key_env.clear();
    options.retry_base_s = 0.05;  // nobody has to be spared on loopback
    return options;
  }

  EmbeddedOracle server_;
  OpenAiOracle client_;
};

}  // namespace

std::unique_ptr<Oracle> make_oracle(const OracleConfig& config, ReplyCache& cache, const OracleUsage& spent_before) {
  auto options = oracle_options(config, spent_before);
  if (is_embedded_oracle(config.base_url)) return std::make_unique<OracleWithServer>(config, std::move(options), cache);
  return std::make_unique<OpenAiOracle>(std::move(options), &cache, interrupted);
}

std::string oracle_name(const OracleConfig& config) { return config.base_url + (config.model.empty() ? "" : " " + config.model); }

}  // namespace iteralign
