// iteralign eval: benchmarks.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/model_flags.h"
#include "cli/model_output.h"
#include "cli/oracle_client.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/strings.h"
#include "engine/files/checkpoint.h"
#include "iteralign/error.h"
#include "report/lm_eval_files.h"
#include "report/task_table.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

struct EvalFlags {
  ModelOptions model;
  std::vector<std::string> tasks;
  std::string data, out, config;
  std::vector<std::string> overrides;
  std::size_t limit = 0;
  bool json = false, overwrite = false;
};

// OUT/eval.db, or OUT/<model>/results_<time>.json, ours or lm-evaluation-harness's
bool holds_evaluations(const std::string& folder) {
  if (exists(join_path(folder, "eval.db"))) return true;
  if (!is_directory(folder)) return false;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder); entry != std::filesystem::end(entry); ++entry) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("results_") && name.ends_with(".json")) return true;
    if (entry.depth() > 0) entry.disable_recursion_pending();
  }
  return false;
}

// Evaluations are added to those that lie in --out; any other folder with something in it belongs to somebody.
void check_out(const EvalFlags& flags) {
  if (flags.out.empty()) return;
  const std::vector<std::string> inputs = {resolve_model_path(flags.model.path), flags.model.adapter, flags.data, flags.config};
  check_is_no_input(flags.out, inputs);
  if (!holds_evaluations(flags.out)) const OutputFolder checked(flags.out, {.inputs = inputs, .overwrite = flags.overwrite});
}

// An oracle, and a store for what it and the model say: in --out, where it is found again, or for this time alone.
class Judging {
 public:
  Judging(const EvalFlags& flags, BaseModel& model)
      : config_(load_config(flags.config, flags.overrides)),
        texts_(config_.prompts_dir),
        scratch_((std::filesystem::temp_directory_path() / "iteralign-eval-").string()),
        store_(join_path(flags.out.empty() ? scratch_.path() : flags.out, "eval.db")),
        oracle_(make_oracle(config_.oracle, store_.reply_cache(), {})),
        judge_(*oracle_, texts_, config_.judge),
        stage_{config_, store_, model, *oracle_, judge_, texts_, interrupted} {
    const std::string evaluated = flags.model.path + "\n" + flags.model.adapter + "\n" + flags.data;
    if (store_.meta("evaluated").value_or(evaluated) != evaluated)
      throw Error(ErrorKind::usage, "holds the answers of another model or to another file", flags.out, "give another --out");
    store_.set_meta("evaluated", evaluated);
  }
  [[nodiscard]] const Stage& stage() const { return stage_; }

 private:
  Config config_;
  PromptTexts texts_;
  ScratchDirectory scratch_;
  RunStore store_;
  std::unique_ptr<Oracle> oracle_;
  Judge judge_;
  Stage stage_;
};

void run_eval(const EvalFlags& flags) {
  check_out(flags);
  const auto start = std::chrono::system_clock::now();
  const auto model = open_model(flags.model);
  if (!flags.out.empty()) make_directories(flags.out);
  std::unique_ptr<Judging> judging;
  if (!flags.config.empty() && std::ranges::any_of(flags.tasks, needs_judge)) judging = std::make_unique<Judging>(flags, *model);
  std::vector<TaskResult> results;
  for (const std::string& task : flags.tasks)
    results.push_back(
        run_task(task, *model,
                 {.data = flags.data, .limit = flags.limit, .should_stop = interrupted, .judging = judging ? &judging->stage() : nullptr}));
  const EvaluationInfo info{.model = flags.model.path,
                            .adapter = flags.model.adapter,
                            .description = model->description(),
                            .chat_template = flags.model.chat_template,
                            .version = ITERALIGN_VERSION,
                            .limit = flags.limit,
                            .start = std::chrono::duration_cast<std::chrono::seconds>(start.time_since_epoch()).count(),
                            .seconds = std::chrono::duration<double>(std::chrono::system_clock::now() - start).count()};
  if (!flags.out.empty()) log_info("written: {}", write_lm_eval_files(flags.out, results, info));
  if (flags.json)
    print_json(lm_eval_results(results, info));
  else
    print(task_table(results));
}

}  // namespace

void add_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  auto* verb = app.add_subcommand("eval", "benchmarks: multiple choice, perplexity, red team, refusals");
  add_model_flags(*verb, flags->model);
  verb->add_option("--tasks", flags->tasks, "names, with commas between them: " + join(task_names(), ", "))->required()->delimiter(',');
  verb->add_option("--data", flags->data, "folder with the published files, anywhere below it; or one file")->required();
  verb->add_option("--limit", flags->limit, "the first so many items of each task; 0: all")->capture_default_str();
  verb->add_option("--out", flags->out, "folder for lm-evaluation-harness's files: results, and every item");
  add_overwrite_flag(*verb, flags->overwrite);
  verb->add_option("--config", flags->config, "a configuration with the oracle that judges redteam, overrefusal and benign");
  verb->add_option("overrides", flags->overrides, "key.sub=value of that configuration");
  verb->add_flag("--json", flags->json, "lm-evaluation-harness's results object");
  verb->callback([flags] { run_eval(*flags); });
}

}  // namespace iteralign
