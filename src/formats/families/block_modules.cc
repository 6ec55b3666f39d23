#include "formats/families/block_modules.h"

namespace iteralign::families {
namespace {

// GGUF files name a norm by its role.
BlockModules norm_of(Role role, const char* name, std::int64_t size) {
  static constexpr const char* kGgufNames[] = {"attn_norm",     "post_attention_norm", "ffn_norm",
                                               "post_ffw_norm", "attn_q_norm",         "attn_k_norm"};
  return {{role, name, kGgufNames[static_cast<std::size_t>(role)], {size}}};
}

}  // namespace

BlockModules in_order(std::initializer_list<BlockModules> parts) {
  BlockModules all;
  for (const BlockModules& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

BlockModules norm(Role role, const char* name, const ModelConfig& config) { return norm_of(role, name, config.hidden_size); }

BlockModules input_norms(const ModelConfig& config) {
  return in_order(
      {norm(Role::attention_input_norm, "input_layernorm", config), norm(Role::mlp_input_norm, "post_attention_layernorm", config)});
}

BlockModules qk_norms(std::int64_t q_size, std::int64_t k_size) {
  return in_order({norm_of(Role::q_norm, "self_attn.q_norm", q_size), norm_of(Role::k_norm, "self_attn.k_norm", k_size)});
}

BlockModules qkv(const ModelConfig& config, bool bias, bool rotated) {
  const std::int64_t hidden = config.hidden_size, heads = config.num_attention_heads, kv_heads = config.num_key_value_heads;
  const std::int64_t kv_size = kv_heads * config.head_dim;
  return {{Role::qkv, "self_attn.q_proj", "attn_q", {heads * config.head_dim, hidden}, bias, rotated ? heads : 0},
          {Role::qkv, "self_attn.k_proj", "attn_k", {kv_size, hidden}, bias, rotated ? kv_heads : 0},
          {Role::qkv, "self_attn.v_proj", "attn_v", {kv_size, hidden}, bias}};
}

BlockModules o(const ModelConfig& config, bool bias) {
  return {{Role::o, "self_attn.o_proj", "attn_output", {config.hidden_size, config.num_attention_heads * config.head_dim}, bias}};
}

BlockModules gate_up(const ModelConfig& config) {
  const std::vector<std::int64_t> shape = {config.intermediate_size, config.hidden_size};
  return {{Role::gate_up, "mlp.gate_proj", "ffn_gate", shape, config.mlp_bias},
          {Role::gate_up, "mlp.up_proj", "ffn_up", shape, config.mlp_bias}};
}

BlockModules down(const ModelConfig& config) {
  return {{Role::down, "mlp.down_proj", "ffn_down", {config.hidden_size, config.intermediate_size}, config.mlp_bias}};
}

}  // namespace iteralign::families
