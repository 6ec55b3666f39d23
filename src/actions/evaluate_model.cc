#include "actions/evaluate_model.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>

#include "actions/open_model.h"
#include "actions/oracle_client.h"
#include "asking/judge.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "core/log.h"
#include "core/outputs.h"
#include "formats/checkpoint.h"
#include "formats/model_files.h"
#include "stages/stage.h"
#include "store/run_store.h"
#include "tasks/evaluation_key.h"
#include "tasks/task_data.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

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

// Evaluations are added to others in `out`; a folder with anything else in it belongs to somebody and is refused.
void check_out(const ModelEvaluation& wanted, const std::map<std::string, std::string>& data) {
  if (wanted.out.empty()) return;
  std::vector<std::string> inputs = {resolve_model_path(wanted.model.path), resolve_adapter_path(wanted.model.adapter)};
  inputs.insert(inputs.end(), wanted.inputs.begin(), wanted.inputs.end());
  for (const auto& [task, path] : data) inputs.push_back(path);
  check_is_no_input(wanted.out, inputs);
  if (!holds_evaluations(wanted.out)) const OutputFolder checked(wanted.out, {.inputs = inputs, .overwrite = wanted.overwrite});
}

// Everything about the model that answers depend on.
std::string model_identity(const ModelOptions& options, const BaseModel& model) {
  return dump_json({model_file_hashes(options), model.description(), options.chat_template});
}

// An oracle, and a store for what it and the model say: in `out`, where it is found again, or for this time alone.
class EvalJudge {
 public:
  EvalJudge(const ModelEvaluation& wanted, BaseModel& model)
      : config_(*wanted.judged_by),
        texts_(config_.prompts_dir),
        scratch_((std::filesystem::temp_directory_path() / "iteralign-eval-").string()),
        store_(join_path(wanted.out.empty() ? scratch_.path() : wanted.out, "eval.db")),
        oracle_(make_oracle(config_.oracle, store_.reply_cache(), {})),
        judge_(*oracle_, texts_, config_.judge),
        stage_{config_, store_, model, model, model, *oracle_, judge_, texts_, interrupted},
        judging_{stage_, oracle_line(config_.oracle), key(model_identity(wanted.model, model))} {}
  [[nodiscard]] const Judging& judging() const { return judging_; }

 private:
  int key(const std::string& model) {
    if (store_.meta("evaluated"))
      log_info("eval.db is of an older program: its paid replies are used again, its answers are not, for they do not say whose they are");
    Sampling sampling = config_.respond;
    sampling.max_new_tokens = config_.evaluate.max_new_tokens;
    return evaluation_key(store_, answers_fingerprint(model, sampling, config_.seed),
                          verdicts_fingerprint(oracle_identity(config_.oracle), judge_, config_.judge.votes));
  }

  const Config& config_;
  PromptTexts texts_;
  ScratchDirectory scratch_;
  RunStore store_;
  std::unique_ptr<Oracle> oracle_;
  Judge judge_;
  Stage stage_;
  Judging judging_;
};

// The file of every task, before the first is begun.
std::map<std::string, std::string> data_paths(const ModelEvaluation& wanted) {
  const TaskData data(wanted.data, wanted.tasks);
  std::map<std::string, std::string> paths;
  for (const std::string& task : wanted.tasks)
    if (is_task(task)) paths[task] = data.of(task);
  return paths;
}

std::vector<TaskResult> run_tasks(const ModelEvaluation& wanted, std::map<std::string, std::string> paths, BaseModel& model) {
  std::unique_ptr<EvalJudge> judge;
  if (wanted.judged_by && std::ranges::any_of(wanted.tasks, needs_judge)) judge = std::make_unique<EvalJudge>(wanted, model);
  std::vector<TaskResult> results;
  for (const std::string& task : wanted.tasks)
    results.push_back(
        run_task(task, model,
                 {.data = paths[task], .limit = wanted.limit, .should_stop = interrupted, .judging = judge ? &judge->judging() : nullptr}));
  return results;
}

}  // namespace

ModelResults evaluate_model(const ModelEvaluation& wanted) {
  const auto start = std::chrono::system_clock::now();
  const auto paths = data_paths(wanted);
  check_out(wanted, paths);
  const auto model = open_model(wanted.model);
  if (!wanted.out.empty()) make_directories(wanted.out);
  ModelResults results{.tasks = run_tasks(wanted, paths, *model),
                       .info = {.model = wanted.model.path,
                                .adapter = wanted.model.adapter,
                                .description = model->description(),
                                .chat_template = wanted.model.chat_template,
                                .version = ITERALIGN_VERSION,
                                .limit = wanted.limit,
                                .start = std::chrono::duration_cast<std::chrono::seconds>(start.time_since_epoch()).count()}};
  results.info.seconds = std::chrono::duration<double>(std::chrono::system_clock::now() - start).count();
  if (!wanted.out.empty()) log_info("written: {}", write_lm_eval_files(wanted.out, results.tasks, results.info));
  return results;
}

}  // namespace iteralign
