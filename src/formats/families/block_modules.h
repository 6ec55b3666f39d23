#pragma once
// What one layer of a model holds: norms and linear modules, by what they do in it and by their names in Hugging Face folders and in
// GGUF files. Reference for the names: the classes of transformers, the tensor maps of gguf-py.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "formats/model_config.h"

namespace iteralign {

// In the order of the forward pass. qkv and gate_up may be several modules on disk, which read the same input.
enum class Role { attention_input_norm, attention_output_norm, mlp_input_norm, mlp_output_norm, q_norm, k_norm, qkv, o, gate_up, down };
constexpr bool is_norm(Role role) { return role < Role::qkv; }

struct BlockModule {
  Role role;
  std::string name, gguf_name;      // "self_attn.q_proj" below "model.layers.0.", "attn_q" below "blk.0."
  std::vector<std::int64_t> shape;  // of the weight: [size] of a norm, [out, in]
  bool bias = false;
  std::int64_t rotated_heads = 0;  // as in ModelTensor
};
using BlockModules = std::vector<BlockModule>;

namespace families {

// What the files of families put together.
BlockModules in_order(std::initializer_list<BlockModules> parts);

// A norm of the hidden states.
BlockModules norm(Role role, const char* name, const ModelConfig& config);
// Norms of what attention and MLP read, and none of what they give.
BlockModules input_norms(const ModelConfig& config);
// Norms of q and k, of so many elements.
BlockModules qk_norms(std::int64_t q_size, std::int64_t k_size);

// q_proj, k_proj and v_proj, with their biases or without. `rotated`: GGUF files keep the rows of q and k in the other order.
BlockModules qkv(const ModelConfig& config, bool bias, bool rotated = false);
BlockModules o(const ModelConfig& config, bool bias);
// gate_proj, up_proj and down_proj, with biases where the configuration has mlp_bias.
BlockModules gate_up(const ModelConfig& config);
BlockModules down(const ModelConfig& config);

}  // namespace families

}  // namespace iteralign
