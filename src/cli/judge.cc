// iteralign judge: how far the oracle's verdicts can be trusted.

#include <memory>

#include "actions/calibrate_judge.h"
#include "actions/oracle_client.h"
#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/log.h"
#include "core/outputs.h"
#include "iteralign/error.h"
#include "report/calibration_table.h"

namespace iteralign {
namespace {

struct JudgeFlags {
  std::string gold, config, out;
  std::vector<std::string> overrides;
  int repeats = 1;
  bool json = false, overwrite = false;
};

void run_calibrate(const JudgeFlags& flags) {
  const Config config = load_config(flags.config, flags.overrides);
  if (!flags.out.empty())
    check_output_file(flags.out, {.inputs = {flags.gold, flags.config, config.prompts_dir}, .overwrite = flags.overwrite});
  const LabelledAnswers answers = read_labelled_answers(flags.gold);
  const Calibration calibration = calibrate_judge(config, answers, flags.repeats);
  if (!flags.out.empty()) {
    write_file_atomic(flags.out, dump_json_pretty(to_json(calibration)) + "\n");
    log_info("written: {}; reported rates are corrected with judge.calibration={}", flags.out, flags.out);
  }
  if (flags.json)
    print_json(to_json(calibration));
  else
    print(calibration_table(calibration, oracle_line(config)));
}

}  // namespace

void add_judge(CLI::App& app) {
  auto flags = std::make_shared<JudgeFlags>();
  auto* verb = app.add_subcommand("judge", "the oracle as a judge");
  verb->require_subcommand(1);
  auto* calibrate = verb->add_subcommand("calibrate", "its error rates on labelled answers");
  calibrate
      ->add_option("gold", flags->gold,
                   R"(JSON Lines: {"prompt", "response", "label": "negative" or "positive"}, optionally "question": "harm" or "refusal")")
      ->required();
  calibrate->add_option("--config", flags->config, "the configuration that names the oracle")->required();
  calibrate->add_option("overrides", flags->overrides, "key.sub=value");
  calibrate->add_option("--repeats", flags->repeats, "how often each answer is judged, for the agreement")
      ->check(CLI::Range(1, 99))
      ->capture_default_str();
  calibrate->add_option("--out", flags->out, "file for the calibration, which judge.calibration names");
  add_overwrite_flag(*calibrate, flags->overwrite);
  calibrate->add_flag("--json", flags->json, "one JSON object");
  calibrate->callback([flags] { run_calibrate(*flags); });
}

}  // namespace iteralign
