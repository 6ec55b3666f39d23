#include "formats/trainer_state.h"

#include <cmath>

#include "iteralign/error.h"

namespace iteralign {

Json to_json(const TrainStep& step) {
  return {{"epoch", step.epoch}, {"grad_norm", step.grad_norm},   {"learning_rate", step.learning_rate},
          {"loss", step.loss},   {"num_tokens", step.num_tokens}, {"step", step.step}};
}

std::string trainer_state(const std::vector<TrainStep>& steps, const FinetuneOptions& options) {
  Json history = Json::array();
  for (const TrainStep& step : steps) history.push_back(to_json(step));
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

std::vector<TrainStep> parse_trainer_state(const Json& state, const std::string& where) {
  std::vector<TrainStep> steps;
  try {
    for (const Json& step : state.at("log_history"))
      steps.push_back({step.at("step"), state.at("max_steps"), step.at("epoch"), step.at("loss"), step.at("grad_norm"),
                       step.at("learning_rate"), step.at("num_tokens")});
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("a key is missing or of the wrong type: ") + error.what(), where);
  }
  return steps;
}

}  // namespace iteralign
