// Loss and gradients of folders that a comparison with transformers and peft wrote, all in one folder: in each model/, adapter/ (for LoRA),
// batch.safetensors, and gradients.safetensors by the names of transformers or peft.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "engine/peft.h"
#include "engine/trainable_weights.h"
#include "engine/trainer.h"
#include "engine/training_attention.h"
#include "engine/training_model.h"
#include "formats/safetensors.h"

namespace iteralign {
namespace {

std::map<std::string, at::Tensor> stored(const std::string& path) {
  std::map<std::string, at::Tensor> tensors;
  const SafetensorsFile file(path);
  for (const auto& [name, view] : file.tensors()) {
    const at::ScalarType type = view.dtype == DType::i64 ? at::kLong : at::kFloat;
    tensors[name] = at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, type).clone();
  }
  return tensors;
}

Batch stored_batch(const std::string& path) {
  const auto tensors = stored(path);
  const at::Tensor& lengths = tensors.at("lengths");
  const auto* begin = lengths.const_data_ptr<std::int64_t>();
  return {tensors.at("tokens"), 0, std::vector<std::int64_t>(begin, begin + lengths.size(0)), tensors.at("rows"), tensors.at("targets")};
}

// By the names of transformers, or of peft where the folder has an adapter; the loss as "loss".
std::map<std::string, at::Tensor> our_gradients(const std::string& folder) {
  const auto model = open_tiny_model(join_path(folder, "model"));
  const bool with_lora = is_peft_folder(join_path(folder, "adapter"));
  LoraConfig config;
  if (with_lora) {
    const PeftAdapter adapter = read_peft(join_path(folder, "adapter"), *model);
    attach(*model, adapter);
    config = adapter.config;
  }
  TrainableWeights weights(*model);
  with_lora ? weights.train_lora(config, 0) : weights.train_all();
  const Batch batch = stored_batch(join_path(folder, "batch.safetensors"));
  PackedAttention attention(model->backend(), batch.prefix, batch.lengths);
  std::map<std::string, at::Tensor> ours = {
      {"loss", backpropagate_loss(*model, batch, attention, 1.0 / static_cast<double>(batch.targets.size(0)))}};
  if (with_lora) {
    for (const LinearModule* module : lora_modules(*model)) {
      if (!module->lora) continue;
      ours["base_model.model." + module->name + ".lora_A.weight"] = module->lora->a.grad();
      ours["base_model.model." + module->name + ".lora_B.weight"] = module->lora->b.grad();
    }
    for (const NamedParameter& weight : whole_weights(*model, config)) ours["base_model.model." + weight.name] = weight.value->grad();
  } else {
    for (const NamedParameter& parameter : model->parameters()) ours[parameter.name] = parameter.value->grad();
  }
  return ours;
}

void compare_gradients(std::map<std::string, at::Tensor> ours, std::map<std::string, at::Tensor> theirs) {
  EXPECT_NEAR(ours.extract("loss").mapped().item<double>(), theirs.extract("loss").mapped().item<double>(), 1e-5);
  EXPECT_EQ(ours.size(), theirs.size());
  double largest = 0;
  for (const auto& [name, gradient] : ours) largest = std::max(largest, gradient.abs().max().item<double>());
  for (const auto& [name, gradient] : ours) {
    ASSERT_TRUE(theirs.contains(name)) << name;
    const at::Tensor& wanted = theirs.at(name);
    // The bias of a key without positions shifts all scores alike: its gradient is 0, and both sides have noise there.
    const bool both_zero = std::max(gradient.abs().max().item<double>(), wanted.abs().max().item<double>()) < 1e-6 * largest;
    EXPECT_TRUE(both_zero || relative_difference(gradient, wanted) < 1e-4) << name << ": " << relative_difference(gradient, wanted);
  }
}

TEST(PeerGradients, AreThoseOfTheFolders) {
  const char* folders = std::getenv("ITERALIGN_GRADIENTS");
  if (folders == nullptr) GTEST_SKIP() << "run by tests/peers/test_families.py and test_training.py";
  for (const auto& entry : std::filesystem::directory_iterator(folders)) {
    const std::string folder = entry.path().string();
    SCOPED_TRACE(folder);
    compare_gradients(our_gradients(folder), stored(join_path(folder, "gradients.safetensors")));
  }
}

}  // namespace
}  // namespace iteralign
