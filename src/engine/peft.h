#pragma once
// A LoRA adapter as a PEFT folder: adapter_config.json and adapter_model.safetensors.
// Reference: peft's LoraConfig and save_pretrained; the adapter's name is never in the keys.

#include <string>

#include "engine/lora.h"
#include "engine/model.h"

namespace iteralign {

// Writes into an existing folder. `base_model` is what the adapter belongs to: a path or a name.
void write_peft(const std::string& folder, Model& model, const LoraConfig& config, const std::string& base_model);

struct PeftAdapter {
  LoraConfig config;
  std::vector<std::shared_ptr<Lora>> loras;  // beside lora_modules(model)
  std::vector<at::Tensor> whole;             // fp32, beside whole_weights(model, config)
};

// Reads the adapter; the model is only looked at. Error data names what is missing, damaged, does not fit the model or is not
// supported (DoRA, trained biases, ...).
PeftAdapter read_peft(const std::string& folder, Model& model);

// Puts the adapter on the model in place of one that is there. What an earlier one has of whole weights stays.
void attach(Model& model, const PeftAdapter& adapter);

// Is there an adapter in the folder?
bool is_peft_folder(const std::string& folder);

}  // namespace iteralign
