#include "model/finetune.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "core/files.h"
#include "iteralign/error.h"
#include "model/training_plan.h"

namespace iteralign {

TrainSummary finetune(Learner& learner, const std::vector<TrainExample>& examples, const FinetuneOptions& options,
                      const TrainingFolders& folders, const OnStep& on_step, const std::function<bool()>& should_stop) {
  const auto start = std::chrono::steady_clock::now();
  const auto training = learner.begin_training(examples, options, should_stop);
  TrainingPlan plan(examples, training->lengths(), options);
  std::vector<TrainStep> done;
  const auto report = [&](const TrainStep& step) {
    done.push_back(step);
    if (on_step) on_step(step);
  };

  if (!folders.state.empty())
    for (const TrainStep& step : training->restore_state(folders.state)) report(step);
  for (int epoch = 1; !plan.finished(); ++epoch) {
    for (const PlannedStep& step : plan.next_epoch()) {
      if (step.number <= std::ssize(done)) continue;
      if (should_stop && should_stop())
        throw Error(ErrorKind::interrupted, fmt::format("stopped after step {} of {}", done.size(), step.max_steps));
      report(training->step(step));
      const bool due = options.save_steps > 0 && step.number % options.save_steps == 0 && step.number < step.max_steps;
      if (due && !folders.state.empty()) training->save_state(folders.state);
    }
    // Also where a killed process got to the epoch's end, and not to its weights.
    if (!folders.epochs.empty() && plan.steps_given() == std::ssize(done))
      training->save_weights(join_path(folders.epochs, std::to_string(epoch)));
  }
  training->finish();
  return {.steps = static_cast<int>(done.size()),
          .loss_first = done.front().loss,
          .loss_last = done.back().loss,
          .tokens = done.back().num_tokens,
          .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

}  // namespace iteralign
