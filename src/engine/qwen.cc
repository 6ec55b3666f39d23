// Llama with two differences: Qwen2 has biases on q, k and v (Yang et al. 2024); Qwen3 normalises q and k head by head instead
// (Yang et al. 2025).
#include "engine/families.h"

namespace iteralign {

Model::Block Qwen::load_block(const std::string& name) const {
  const std::string attention = name + "self_attn.", mlp = name + "mlp.";
  const bool third = config().model_type == "qwen3", bias = config().attention_bias;
  const auto head_norm = [&](const char* norm) { return third ? load_small(attention + norm, config().head_dim) : at::Tensor(); };
  return {.name = name,
          .input_norm = load_small(name + "input_layernorm.weight", config().hidden_size),
          .post_attention_norm = load_small(name + "post_attention_layernorm.weight", config().hidden_size),
          .q_norm = head_norm("q_norm.weight"),
          .k_norm = head_norm("k_norm.weight"),
          .qkv = load_qkv(attention, !third || bias),
          .o = load_o(attention, third && bias),
          .gate_up = load_gate_up(mlp, false),
          .down = load_down(mlp, false)};
}

at::Tensor Qwen::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = this->block(index);
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(norm_heads(parts[0], block.q_norm), rotation), k = rope(norm_heads(parts[1], block.k_norm), rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + block.o->forward(attended);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.post_attention_norm));
  return y + block.down->forward(gated(gate_up, config().activation));
}

}  // namespace iteralign
