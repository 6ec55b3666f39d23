#include "engine/training_state.h"

#include <ATen/core/grad_mode.h>

#include "core/files.h"
#include "formats/safetensors.h"
#include "formats/trainer_state.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kTensors = "optimizer.safetensors";
constexpr const char* kLog = "trainer_state.json";
constexpr const char* kFingerprint = "fingerprint";

void restore(const SafetensorsFile& file, const std::string& name, const at::Tensor& tensor) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end() || found->second.dtype != DType::f32 || found->second.shape != tensor.sizes().vec())
    throw Error(ErrorKind::data, "the tensor " + name + " is missing or has another shape", file.path(), "remove the folder to begin anew");
  tensor.copy_(at::from_blob(const_cast<std::byte*>(found->second.bytes.data()), found->second.shape, at::kFloat));
}

}  // namespace

void save_training_state(const std::string& folder, const std::string& fingerprint, const std::vector<TrainStep>& log,
                         const FinetuneOptions& options, const NamedTensors& tensors) {
  PendingDirectory pending(folder);
  write_file_atomic(join_path(pending.path(), kFingerprint), fingerprint + "\n");
  write_file_atomic(join_path(pending.path(), kLog), trainer_state(log, options));
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
  const std::string known = join_path(folder, kFingerprint);
  if (!exists(known) || read_file(known) != fingerprint + "\n") {
    throw Error(ErrorKind::data, "is the state of a training with other options or other data", folder,
                "remove the folder to begin anew, or give the same options and data");
  }
  const SafetensorsFile file(join_path(folder, kTensors));
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) restore(file, name, tensor);
  return parse_trainer_state(read_json(path), path);
}

}  // namespace iteralign
