#include "actions/oracle_client.h"

#include <utility>

#include "config/config.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "offline/embedded_oracle.h"
#include "oracle/openai_oracle.h"

namespace iteralign {
namespace {

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
  OracleOptions options{config};
  options.spent_before = spent_before;
  if (is_embedded_oracle(config.base_url)) return std::make_unique<OracleWithServer>(config, std::move(options), cache);
  return std::make_unique<OpenAiOracle>(std::move(options), &cache, interrupted);
}

std::string oracle_name(const OracleConfig& config) { return config.base_url + (config.model.empty() ? "" : " " + config.model); }

std::string oracle_line(const OracleConfig& config) {
  return is_embedded_oracle(config.base_url) || config.model.empty() ? config.base_url : config.model + " at " + config.base_url;
}

std::string oracle_line(RunStore& run) { return oracle_line(parse_config(run.meta("config").value_or(""), "run.db").oracle); }

std::string oracle_identity(const OracleConfig& config) {
  return dump_json({config.base_url, config.model, config.send_temperature, config.reply_max_tokens, config.body.text,
                    config.wrong_verdict_rate, config.fault_rate, config.fault_kinds});
}

}  // namespace iteralign
