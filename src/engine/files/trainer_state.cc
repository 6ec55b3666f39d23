#include "report/trainer_state.h"

#include <cmath>

#include "core/json.h"

namespace iteralign {

std::string trainer_state(const std::vector<TrainStep>& steps, const FinetuneOptions& options) {
  Json history = Json::array();
  for (const TrainStep& step : steps)
    history.push_back({{"epoch", step.epoch},
                       {"grad_norm", step.grad_norm},
                       {"learning_rate", step.learning_rate},
                       {"loss", step.loss},
                       {"num_tokens", step.num_tokens},
                       {"step", step.step}});
  const TrainStep last = steps.empty() ? TrainStep{} : steps.back();
  return dump_json_pretty({{"best_global_step", nullptr},
                           {"best_metric", nullptr},
                           {"best_model_checkpoint", nullptr},
                           {"epoch", last.epoch},
                           {"eval_steps", 0},
                           {"global_step", last.step},
                           {"is_hyper_param_search", false},
                           {"is_local_process_zero", true},
                           {"is_world_process_zero", true},
                           {"log_history", std::move(history)},
                           {"logging_steps", 1},
                           {"max_steps", last.max_steps},
                           {"num_input_tokens_seen", last.num_tokens},
                           {"num_train_epochs", static_cast<int>(std::ceil(options.num_train_epochs))},
                           {"save_steps", options.save_steps},
                           {"stateful_callbacks", Json::object()},
                           {"total_flos", 0.0},
                           {"train_batch_size", options.per_device_train_batch_size},
                           {"trial_name", nullptr},
                           {"trial_params", nullptr}}) +
         "\n";
}

}  // namespace iteralign
