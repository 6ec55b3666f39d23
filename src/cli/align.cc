// iteralign align: start or resume a run.

#include <fmt/format.h>

#include <memory>

#include "cli/lab_inputs.h"
#include "cli/model_flags.h"
#include "cli/oracle_client.h"
#include "cli/output.h"
#include "cli/prompt_limit.h"
#include "cli/run_files_writer.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "formats/model_files.h"
#include "iteralign/error.h"
#include "pipeline/run.h"
#include "report/terminal_table.h"
#include "stages/calibrate.h"

namespace iteralign {
namespace {

// Read before anything is paid for. The same model may stand behind another address, so another name is no error.
void check_calibration(const Config& config) {
  if (config.judge.calibration.empty()) return;
  const std::string of = read_calibration(config.judge.calibration).oracle, now = oracle_name(config.oracle);
  if (of != now) log_warning("{} holds the errors of the oracle {}, this run's is {}", config.judge.calibration, of, now);
}

void run_align(const Config& config, bool json) {
  check_calibration(config);
  const std::string folder = run_folder(config);
  std::string table;
  const RunStatus status =
      run(config, {.inputs = [&] { return gather_inputs(config, {lab_inputs}, prompt_limit(config.model)); },
                   .model =
                       [&](const std::string& dtype) {
                         ModelOptions options = config.model;
                         if (!dtype.empty()) options.dtype = dtype;
                         return open_model(options);
                       },
                   .oracle = [&](ReplyCache& cache, const OracleUsage& spent) { return make_oracle(config.oracle, cache, spent); },
                   .on_change =
                       [&](RunStore& store, const RunState& state) {
                         publish_run(folder, store, state);
                         table = evaluation_table(store, oracle_line(config.oracle));
                       },
                   .should_stop = interrupted,
                   .base_model = [&] { return model_file_hashes(config.model); }});
  if (json)
    print(read_file(join_path(folder, "summary.json")));
  else
    print(table);
  log_info("report: {}", join_path(folder, "report.html"));
  if (status == RunStatus::rolled_back)
    throw Error(ErrorKind::gate, "every iteration was rolled back: the result is the base model", folder,
                "`iteralign show` says what the gate found; train more mildly, or with more replay");
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
