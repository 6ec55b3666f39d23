#pragma once
// A LoRA adapter as a GGUF file for llama.cpp (--lora).
// Reference: convert_lora_to_gguf.py of llama.cpp. It scales by alpha / r and knows one alpha for all modules.

#include <string>

namespace iteralign {

// `model_folder`: the base model; `adapter_folder`: a PEFT folder for it. float32. There whole or not at all.
// Error data names what does not fit the model and what a GGUF adapter cannot say (alpha_pattern, trained modules, ...).
void export_gguf_adapter(const std::string& model_folder, const std::string& adapter_folder, const std::string& gguf_path);

}  // namespace iteralign
