#pragma once
// A GGUF file as an ordinary Hugging Face folder.
// Reference: from_pretrained(..., gguf_file=..., dtype=torch.bfloat16) of transformers 5: the weights are equal bit for bit.

#include <cstdint>
#include <functional>
#include <string>

namespace iteralign {

// Called as the tensors are written: bytes of bf16 weights done, and in all.
using OnImported = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Writes config.json, generation_config.json, model.safetensors (bf16), tokenizer and chat template. The folder is there
// whole or not at all; an older one is replaced. Error data names an architecture or a tensor type that is not supported.
void import_gguf(const std::string& gguf_path, const std::string& folder, const OnImported& on_progress = {});

}  // namespace iteralign
