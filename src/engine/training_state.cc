#include "engine/training_state.h"

#include <ATen/core/grad_mode.h>

#include "core/files.h"
#include "core/json.h"
#include "engine/files/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kTensors = "optimizer.safetensors";
constexpr const char* kLog = "trainer_state.json";

Json to_json(const TrainStep& step) {
  return {{"step", step.step},
          {"epoch", step.epoch},
          {"loss", step.loss},
          {"grad_norm", step.grad_norm},
          {"learning_rate", step.learning_rate},
          {"num_tokens", step.num_tokens}};
}

TrainStep step_from(const Json& json, int max_steps) {
  return {json.at("step"),      max_steps, json.at("epoch"), json.at("loss"), json.at("grad_norm"), json.at("learning_rate"),
          json.at("num_tokens")};
}

void restore(const SafetensorsFile& file, const std::string& name, const at::Tensor& tensor) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end() || found->second.dtype != DType::f32 || found->second.shape != tensor.sizes().vec())
    throw Error(ErrorKind::data, "the tensor " + name + " is missing or has another shape", file.path(), "remove the folder to begin anew");
  tensor.copy_(at::from_blob(const_cast<std::byte*>(found->second.bytes.data()), found->second.shape, at::kFloat));
}

}  // namespace

void save_training_state(const std::string& folder, const std::string& fingerprint, const std::vector<TrainStep>& log,
                         const NamedTensors& tensors) {
  Json history = Json::array();
  for (const TrainStep& step : log) history.push_back(to_json(step));
  const Json state = {{"global_step", log.back().step},
                      {"max_steps", log.back().max_steps},
                      {"epoch", log.back().epoch},
                      {"fingerprint", fingerprint},
                      {"log_history", std::move(history)}};
  PendingDirectory pending(folder);
  write_file_atomic(join_path(pending.path(), kLog), dump_json_pretty(state) + "\n");
  std::vector<TensorSource> sources;
  at::Tensor scratch;
  for (const auto& [name, tensor] : tensors) {
    sources.push_back({name, DType::f32, tensor.sizes().vec(), [&scratch, tensor = tensor] {
                         scratch = tensor.to(at::kCPU).contiguous();
                         return std::span(static_cast<const std::byte*>(scratch.const_data_ptr()), scratch.nbytes());
                       }});
  }
  write_safetensors(join_path(pending.path(), kTensors), std::move(sources));
  pending.commit();
}

std::vector<TrainStep> load_training_state(const std::string& folder, const std::string& fingerprint, const NamedTensors& tensors) {
  const std::string path = join_path(folder, kLog);
  if (!exists(path)) return {};
  const Json state = parse_json(read_file(path), path);
  if (state.value("fingerprint", "") != fingerprint) {
    throw Error(ErrorKind::data, "is the state of a training with other options or other data", folder,
                "remove the folder to begin anew, or give the same options and data");
  }
  const SafetensorsFile file(join_path(folder, kTensors));
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) restore(file, name, tensor);
  std::vector<TrainStep> log;
  for (const Json& step : state.at("log_history")) log.push_back(step_from(step, state.at("max_steps")));
  return log;
}

}  // namespace iteralign
