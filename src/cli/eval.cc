// iteralign eval: benchmarks.

#include <algorithm>
#include <memory>

#include "actions/evaluate_model.h"
#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/strings.h"
#include "report/task_table.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

struct EvalFlags {
  ModelEvaluation wanted;
  std::vector<std::string> overrides;
  std::string config;
  bool json = false;
};

void run_eval(EvalFlags& flags) {
  if (!flags.config.empty()) flags.wanted.inputs.push_back(flags.config);
  if (!flags.config.empty() && std::ranges::any_of(flags.wanted.tasks, needs_judge))
    flags.wanted.judged_by = load_config(flags.config, flags.overrides);
  const ModelResults results = evaluate_model(flags.wanted);
  if (flags.json)
    print_json(lm_eval_results(results.tasks, results.info));
  else
    print(task_table(results.tasks));
}

}  // namespace

void add_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  auto* verb = app.add_subcommand("eval", "benchmarks: multiple choice, perplexity, red team, refusals");
  add_model_flags(*verb, flags->wanted.model);
  verb->add_option("--tasks", flags->wanted.tasks, "names, with commas between them: " + join(task_names(), ", "))
      ->required()
      ->delimiter(',');
  verb->add_option(
          "--data", flags->wanted.data,
          "folder with the published files, anywhere below it, or one file; TASK=PATH is for that task alone, and may be given for "
          "each")
      ->required()
      ->allow_extra_args(false);
  verb->add_option("--limit", flags->wanted.limit, "the first so many items of each task; 0: all")->capture_default_str();
  verb->add_option("--out", flags->wanted.out, "folder for lm-evaluation-harness's files: results, and every item");
  add_overwrite_flag(*verb, flags->wanted.overwrite);
  verb->add_option("--config", flags->config, "a configuration with the oracle that judges redteam, overrefusal and benign");
  verb->add_option("overrides", flags->overrides, "key.sub=value of that configuration");
  verb->add_flag("--json", flags->json, "lm-evaluation-harness's results object");
  verb->callback([flags] { run_eval(*flags); });
}

}  // namespace iteralign
