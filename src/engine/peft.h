#pragma once
// A LoRA adapter as a PEFT folder: adapter_config.json and adapter_model.safetensors.
// Reference: peft's LoraConfig and save_pretrained; the adapter's name is never in the keys.

#include <string>

#include "engine/lora.h"
#include "engine/model.h"

namespace iteralign {

// Writes into an existing folder. `base_model` is what the adapter belongs to: a path or a name.
void write_peft(const std::string& folder, Model& model, const LoraConfig& config, const std::string& base_model);

// Reads the adapter and puts it on the model in place of what is there; gives its configuration. Error data names what is
// missing, damaged, does not fit the model or is not supported (DoRA, trained biases, ...); the model is then unchanged.
LoraConfig read_peft(const std::string& folder, Model& model);

// Is there an adapter in the folder?
bool is_peft_folder(const std::string& folder);

}  // namespace iteralign
