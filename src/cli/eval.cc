// iteralign eval: benchmarks.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

#include "cli/model_flags.h"
#include "cli/model_output.h"
#include "cli/oracle_client.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "core/log.h"
#include "core/strings.h"
#include "formats/checkpoint.h"
#include "formats/model_files.h"
#include "iteralign/error.h"
#include "report/lm_eval_files.h"
#include "report/task_table.h"
#include "tasks/evaluation_key.h"
#include "tasks/task_data.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

struct EvalFlags {
  ModelOptions model;
  std::vector<std::string> tasks;
  std::vector<std::string> data, overrides;
  std::string out, config;
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
void check_out(const EvalFlags& flags, const std::map<std::string, std::string>& data) {
  if (flags.out.empty()) return;
  std::vector<std::string> inputs = {resolve_model_path(flags.model.path), resolve_adapter_path(flags.model.adapter), flags.config};
  for (const auto& [task, path] : data) inputs.push_back(path);
  check_is_no_input(flags.out, inputs);
  if (!holds_evaluations(flags.out)) const OutputFolder checked(flags.out, {.inputs = inputs, .overwrite = flags.overwrite});
}

// The model as answers depend on it.
std::string model_identity(const ModelOptions& options, const BaseModel& model) {
  return dump_json({model_file_hashes(options), model.description(), options.chat_template});
}

// An oracle, and a store for what it and the model say: in --out, where it is found again, or for this time alone.
class EvalJudge {
 public:
  EvalJudge(const EvalFlags& flags, BaseModel& model)
      : config_(load_config(flags.config, flags.overrides)),
        texts_(config_.prompts_dir),
        scratch_((std::filesystem::temp_directory_path() / "iteralign-eval-").string()),
        store_(join_path(flags.out.empty() ? scratch_.path() : flags.out, "eval.db")),
        oracle_(make_oracle(config_.oracle, store_.reply_cache(), {})),
        judge_(*oracle_, texts_, config_.judge),
        stage_{config_, store_, model, *oracle_, judge_, texts_, interrupted},
        judging_{stage_, oracle_line(config_.oracle), key(flags.model)} {}
  [[nodiscard]] const Judging& judging() const { return judging_; }

 private:
  int key(const ModelOptions& options) {
    if (store_.meta("evaluated"))
      log_info("eval.db is of an older program: its paid replies are used again, its answers are not, for they do not say whose they are");
    Sampling sampling = config_.respond;
    sampling.max_new_tokens = config_.evaluate.max_new_tokens;
    return evaluation_key(store_, answers_fingerprint(model_identity(options, stage_.model), sampling, config_.seed),
                          verdicts_fingerprint(oracle_identity(config_.oracle), judge_, config_.judge.votes));
  }

  Config config_;
  PromptTexts texts_;
  ScratchDirectory scratch_;
  RunStore store_;
  std::unique_ptr<Oracle> oracle_;
  Judge judge_;
  Stage stage_;
  Judging judging_;
};

// The file of every task, before the first is begun.
std::map<std::string, std::string> data_paths(const EvalFlags& flags) {
  const TaskData data(flags.data, flags.tasks);
  std::map<std::string, std::string> paths;
  for (const std::string& task : flags.tasks)
    if (is_task(task)) paths[task] = data.of(task);
  return paths;
}

std::vector<TaskResult> run_tasks(const EvalFlags& flags, std::map<std::string, std::string> paths, BaseModel& model) {
  std::unique_ptr<EvalJudge> judge;
  if (!flags.config.empty() && std::ranges::any_of(flags.tasks, needs_judge)) judge = std::make_unique<EvalJudge>(flags, model);
  std::vector<TaskResult> results;
  for (const std::string& task : flags.tasks)
    results.push_back(
        run_task(task, model,
                 {.data = paths[task], .limit = flags.limit, .should_stop = interrupted, .judging = judge ? &judge->judging() : nullptr}));
  return results;
}

void run_eval(const EvalFlags& flags) {
  const auto start = std::chrono::system_clock::now();
  const auto paths = data_paths(flags);
  check_out(flags, paths);
  const auto model = open_model(flags.model);
  if (!flags.out.empty()) make_directories(flags.out);
  const std::vector<TaskResult> results = run_tasks(flags, paths, *model);
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
  verb->add_option(
          "--data", flags->data,
          "folder with the published files, anywhere below it, or one file; TASK=PATH is for that task alone, and may be given for "
          "each")
      ->required()
      ->allow_extra_args(false);
  verb->add_option("--limit", flags->limit, "the first so many items of each task; 0: all")->capture_default_str();
  verb->add_option("--out", flags->out, "folder for lm-evaluation-harness's files: results, and every item");
  add_overwrite_flag(*verb, flags->overwrite);
  verb->add_option("--config", flags->config, "a configuration with the oracle that judges redteam, overrefusal and benign");
  verb->add_option("overrides", flags->overrides, "key.sub=value of that configuration");
  verb->add_flag("--json", flags->json, "lm-evaluation-harness's results object");
  verb->callback([flags] { run_eval(*flags); });
}

}  // namespace iteralign
