#pragma once
// The names of the tensors in adapter_model.safetensors.

#include <string>

namespace iteralign {

// A tensor's name without PEFT's prefix, the adapter's own name and the wrapper around its module:
// "base_model.model.model.layers.0.mlp.up_proj.lora_A.default.weight" is "model.layers.0.mlp.up_proj.lora_A.weight". "" without the prefix.
std::string adapter_tensor_name(const std::string& key);

}  // namespace iteralign
