#include "engine/peft.h"

#include <map>

#include "core/files.h"
#include "core/json.h"
#include "formats/peft_config.h"
#include "formats/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kPrefix = "base_model.model.";

// Does the adapter hold an embedding that is lm_head too? PEFT unties the two unless it is told not to, and saves both.
bool holds_tied_embedding(Model& model, const LoraConfig& config) {
  return model.config().tie_word_embeddings && std::ranges::any_of(whole_weights(model, config), [](const NamedParameter& weight) {
           return weight.name == kEmbeddingModule + ".weight";
         });
}

}  // namespace

void write_peft(const std::string& folder, Model& model, const LoraConfig& config, const std::string& base_model) {
  std::vector<TensorSource> tensors;
  at::Tensor scratch;  // the bytes of the tensor whose turn it is
  const auto add = [&](const std::string& name, const at::Tensor& value) {
    tensors.push_back({name, DType::f32, value.sizes().vec(), [&scratch, value] {
                         scratch = value.detach().cpu().contiguous();
                         return std::span(static_cast<const std::byte*>(scratch.const_data_ptr()), scratch.nbytes());
                       }});
  };
  for (const LinearModule* module : lora_modules(model)) {
    if (!module->lora) continue;
    add(kPrefix + module->name + ".lora_A.weight", module->lora->a);
    add(kPrefix + module->name + ".lora_B.weight", module->lora->b);
  }
  for (const NamedParameter& weight : whole_weights(model, config)) add(kPrefix + weight.name, *weight.value);
  const bool tied_embedding = holds_tied_embedding(model, config);
  if (tied_embedding) add(std::string(kPrefix) + kLmHeadModule + ".weight", model.lm_head().modules()[0].weight);
  write_safetensors(join_path(folder, "adapter_model.safetensors"), tensors);
  write_file_atomic(join_path(folder, "adapter_config.json"),
                    dump_json_pretty(peft_config_json({config, tied_embedding}, base_model)) + "\n");
}

void attach(Model& model, const PeftAdapter& adapter) {
  if (adapter.unties_lm_head) model.tie_lm_head(false);
  const std::vector<LinearModule*> modules = lora_modules(model);
  for (std::size_t i = 0; i < modules.size(); ++i) modules[i]->lora = adapter.loras[i];
  std::map<std::string, at::Tensor*> parameters;
  for (const NamedParameter& parameter : model.parameters()) parameters[parameter.name] = parameter.value;
  for (const auto& [name, value] : adapter.whole) *parameters.at(name) = value;
  model.weights_changed();
}

bool is_peft_folder(const std::string& folder) { return exists(join_path(folder, "adapter_config.json")); }

}  // namespace iteralign
