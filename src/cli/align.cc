// iteralign align: start or resume a run.

#include <fmt/format.h>

#include <memory>

#include "cli/lab_inputs.h"
#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/run_files_writer.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "offline/embedded_oracle.h"
#include "oracle/openai_oracle.h"
#include "pipeline/run.h"
#include "report/terminal_table.h"

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

std::unique_ptr<Oracle> make_oracle(const Config& config, ReplyCache& cache, const OracleUsage& spent_before) {
  auto options = oracle_options(config.oracle, spent_before);
  if (is_embedded_oracle(config.oracle.base_url)) return std::make_unique<OracleWithServer>(config.oracle, std::move(options), cache);
  return std::make_unique<OpenAiOracle>(std::move(options), &cache, interrupted);
}

void run_align(const Config& config, bool json) {
  const std::string folder = run_folder(config);
  std::string table;
  run(config, {.inputs = [&] { return gather_inputs(config, {lab_inputs}); },
               .model =
                   [&](const std::string& dtype) {
                     ModelOptions options = config.model;
                     if (!dtype.empty()) options.dtype = dtype;
                     return open_model(options);
                   },
               .oracle = [&](ReplyCache& cache, const OracleUsage& spent) { return make_oracle(config, cache, spent); },
               .on_change =
                   [&](RunStore& store, const RunState& state) {
                     publish_run(folder, store, state);
                     table = evaluation_table(store);
                   },
               .should_stop = interrupted});
  if (json)
    print(read_file(join_path(folder, "summary.json")));
  else
    print(table);
  log_info("report: {}", join_path(folder, "report.html"));
}

}  // namespace

void add_align(CLI::App& app) {
  struct Flags {
    std::string config, fork;
    std::vector<std::string> overrides;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("align", "start or resume a run; Ctrl-C stops cleanly");
  verb->add_option("config", flags->config, "YAML file")->required();
  verb->add_option("overrides", flags->overrides, "key.sub=value");
  verb->add_option("--fork", flags->fork,
                   "start a new run of this name from the one that is there; replies that were paid for are taken over");
  verb->add_flag("--json", flags->json, "summary.json on standard output");
  verb->callback([flags] {
    Config config = load_config(flags->config, flags->overrides);
    if (!flags->fork.empty()) {
      const std::string from = run_folder(config);
      config.name = flags->fork;
      fork_run(from, config);
    }
    run_align(config, flags->json);
  });
}

}  // namespace iteralign
