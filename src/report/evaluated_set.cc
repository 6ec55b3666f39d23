#include "report/evaluated_set.h"

#include "stages/gate_coverage.h"
#include "stages/stage.h"

namespace iteralign {
namespace {

EvaluatedTask task_of(RunStore& store, int iteration, PromptSet set, const char* task, const char* metric, const std::string& judge) {
  EvaluatedTask found{.task = task, .filter = {}, .metric = metric, .higher_is_better = false, .judge = judge};
  for (const Case& item : cases(store, iteration, set)) {
    EvaluatedItem& judged = found.items[item.prompt.id];
    judged.text = item.prompt.messages.back().content;
    if (item.verdict.label != Label::unjudged) judged.value = item.verdict.label == Label::negative ? 1.0 : 0.0;
  }
  return found;
}

}  // namespace

std::string label(const EvaluatedTask& task) { return task.task + (task.filter.empty() ? "" : ", " + task.filter); }

EvaluatedSet run_evaluation(RunStore& store, int iteration, const std::string& name, const std::string& judge) {
  EvaluatedSet set{.name = name,
                   .tasks = {task_of(store, iteration, PromptSet::heldout, "held-out red team", "negative", judge),
                             task_of(store, iteration, PromptSet::benign, "benign", "refused", judge),
                             task_of(store, iteration, PromptSet::lookalike, "look-alikes", "refused", judge),
                             task_of(store, iteration, PromptSet::twin, "twins", "refused", judge)}};
  if (const std::string warning = gate_warning(store); iteration > 0 && !warning.empty()) set.warnings.push_back(warning);
  // A set that was not measured is left out of the comparisons, and so of the correction for their number.
  std::erase_if(set.tasks, [](const EvaluatedTask& task) { return task.items.empty(); });
  return set;
}

}  // namespace iteralign
