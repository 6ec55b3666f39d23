#pragma once
// A LoRA adapter as a PEFT folder: adapter_config.json and adapter_model.safetensors.
// Reference: peft's LoraConfig, save_pretrained and from_pretrained.

#include <string>
#include <utility>
#include <vector>

#include "engine/lora.h"
#include "engine/model.h"

namespace iteralign {

// Writes into an existing folder. `base_model` is what the adapter belongs to: a path or a name.
void write_peft(const std::string& folder, Model& model, const LoraConfig& config, const std::string& base_model);

struct PeftAdapter {
  LoraConfig config;
  std::vector<std::shared_ptr<Lora>> loras{};               // beside lora_modules(model)
  std::vector<std::pair<std::string, at::Tensor>> whole{};  // fp32, by the names of Model::parameters() and "lm_head.weight"
  bool unties_lm_head = false;                              // lm_head is no longer the embedding
  // False: it has what our training has no place for, like an update of the embedding. It can be used and merged.
  bool trainable = true;
};

// Reads the adapter as PEFT does; the model is only looked at. LoRA on embedding or lm_head comes added to their weights. Error data
// names what is missing, damaged, does not fit the model, would be left over or is not supported (DoRA, ...).
PeftAdapter read_peft(const std::string& folder, Model& model);

// Puts the adapter on the model in place of one that is there. What an earlier one has of whole weights stays.
void attach(Model& model, const PeftAdapter& adapter);

// Is there an adapter in the folder?
bool is_peft_folder(const std::string& folder);

}  // namespace iteralign
