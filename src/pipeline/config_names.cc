#include "pipeline/config_names.h"

#include "asking/prompt_texts.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "pipeline/gate.h"
#include "stages/calibrate.h"
#include "stages/review.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

void check_gate_tasks(const GateConfig& config) {
  for (const std::string& task : config.tasks) {
    const std::string where = "gate.tasks: " + task;
    if (!is_task(task)) throw Error(ErrorKind::usage, "there is no such task", where, "one of: " + join(task_names(), ", "));
    if (needs_judge(task))
      throw Error(ErrorKind::usage, "the oracle judges its answers, so it is no benchmark", where,
                  "harm and refusals are figures that the gate has of itself");
    if (config.task_data.empty()) throw Error(ErrorKind::usage, "names no folder with the files of " + task, "gate.task_data");
    check_task_data(task, config.task_data);
  }
}

}  // namespace

void check_names(const Config& config) {
  const PromptTexts texts(config);
  for (const std::string& scaffold : config.revise.scaffolds) {
    try {
      (void)texts.scaffold(scaffold);
    } catch (const Error& error) {
      throw Error(error.kind(), error.text(), "revise.scaffolds: " + scaffold, error.hint());
    }
  }
  if (is_gated(config)) check_gate_tasks(config.gate);
  if (!config.propose.start.empty()) read_constitution(config.propose.start);
  if (!config.judge.calibration.empty() && config.judge.calibration != kNoCalibration) read_calibration(config.judge.calibration);
}

}  // namespace iteralign
