#include "actions/evaluate_model.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "actions/memory_need.h"
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
#include "iteralign/error.h"
#include "stages/stage.h"
#include "store/run_store.h"
#include "tasks/evaluation_key.h"
#include "tasks/suite.h"
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
void check_out(const ModelEvaluation& wanted, const std::vector<std::string>& data) {
  if (wanted.out.empty()) return;
  std::vector<std::string> inputs = {resolve_model_path(wanted.model.path), resolve_adapter_path(wanted.model.adapter)};
  inputs.insert(inputs.end(), wanted.inputs.begin(), wanted.inputs.end());
  inputs.insert(inputs.end(), data.begin(), data.end());
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
  EvalJudge(const ModelEvaluation& wanted, BaseModel& model, const std::shared_ptr<Turns>& turns)
      : config_(*wanted.judged_by),
        texts_(config_),
        scratch_((std::filesystem::temp_directory_path() / "iteralign-eval-").string()),
        store_(join_path(wanted.out.empty() ? scratch_.path() : wanted.out, "eval.db")),
        oracle_(make_oracle(config_, store_.reply_cache(), {}, turns)),
        judge_(*oracle_, texts_, config_.judge),
        stage_{config_, store_, model, model, model, *oracle_, judge_, texts_, interrupted},
        model_(model_identity(wanted.model, model)),
        judging_{stage_, oracle_line(config_), [this](const Config& config) { return key(config); }} {
    if (store_.meta("evaluated"))
      log_info("eval.db is of an older program: its paid replies are used again, its answers are not, for they do not say whose they are");
  }
  [[nodiscard]] const Judging& judging() const { return judging_; }

 private:
  int key(const Config& config) {
    Sampling sampling = config.respond;
    sampling.max_new_tokens = config.evaluate.max_new_tokens;
    return evaluation_key(store_, answers_fingerprint(model_, sampling, config.seed),
                          verdicts_fingerprint(oracle_identity(config_), judge_, config_.judge.votes));
  }

  const Config& config_;
  PromptTexts texts_;
  ScratchDirectory scratch_;
  RunStore store_;
  std::unique_ptr<Oracle> oracle_;
  Judge judge_;
  Stage stage_;
  std::string model_;
  Judging judging_;
};

// What is to be done, with all that it reads found, before the first task is begun.
struct Work {
  std::vector<std::pair<std::string, std::string>> tasks;  // with their files
  std::optional<Suite> suite;
};

Work find_work(const ModelEvaluation& wanted) {
  Work work;
  if (wanted.suite.empty()) {
    const TaskData data(wanted.data, wanted.tasks);
    for (const std::string& task : wanted.tasks) work.tasks.emplace_back(task, is_task(task) ? data.of(task) : "");
    return work;
  }
  if (!wanted.judged_by)
    throw Error(ErrorKind::usage, "its answers are judged, so it needs an oracle", "--suite " + wanted.suite,
                "give --config, a configuration that names one");
  work.suite = read_suite(wanted.suite, {.folders = wanted.data, .limit = wanted.limit, .seen = wanted.seen});
  return work;
}

std::vector<std::string> files_of(const ModelEvaluation& wanted, const Work& work) {
  if (work.suite) return wanted.data;
  std::vector<std::string> files;
  for (const auto& [task, file] : work.tasks) files.push_back(file);
  return files;
}

// With the oracle that judges its answers.
std::shared_ptr<Turns> turns_of(const ModelEvaluation& wanted) {
  if (!wanted.judged_by) return nullptr;
  Config config = *wanted.judged_by;
  config.model = wanted.model;
  return needed_turns(memory_need(config, /*training=*/false));
}

std::vector<TaskResult> run(const Work& work, const ModelEvaluation& wanted, BaseModel& model, const std::shared_ptr<Turns>& turns) {
  std::unique_ptr<EvalJudge> judge;
  if (wanted.judged_by && (work.suite || std::ranges::any_of(wanted.tasks, needs_judge)))
    judge = std::make_unique<EvalJudge>(wanted, model, turns);
  if (work.suite) return run_suite(*work.suite, model, judge->judging(), interrupted);
  std::vector<TaskResult> results;
  for (const auto& [task, file] : work.tasks)
    results.push_back(run_task(
        task, model, {.data = file, .limit = wanted.limit, .should_stop = interrupted, .judging = judge ? &judge->judging() : nullptr}));
  return results;
}

}  // namespace

ModelResults evaluate_model(const ModelEvaluation& wanted) {
  const auto start = std::chrono::system_clock::now();
  const Work work = find_work(wanted);
  check_out(wanted, files_of(wanted, work));
  const auto turns = turns_of(wanted);
  const auto model = open_model_in_turn(wanted.model, turns);
  if (!wanted.out.empty()) make_directories(wanted.out);
  ModelResults results{.tasks = run(work, wanted, *model, turns),
                       .info = {.model = wanted.model.path,
                                .adapter = wanted.model.adapter,
                                .description = model->description(),
                                .chat_template = wanted.model.chat_template,
                                .version = ITERALIGN_VERSION,
                                .limit = wanted.limit,
                                .start = std::chrono::duration_cast<std::chrono::seconds>(start.time_since_epoch()).count()}};
  results.info.seconds = std::chrono::duration<double>(std::chrono::system_clock::now() - start).count();
  if (work.suite) results.info.notes = work.suite->notes;
  if (wanted.out.empty()) return results;
  results.file = write_lm_eval_files(wanted.out, results.tasks, results.info);
  log_info("written: {}", results.file);
  return results;
}

}  // namespace iteralign
