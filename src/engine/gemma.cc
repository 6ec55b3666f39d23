// Gemma 2 (Gemma Team 2024) normalises before and after each part:
//   x += RMSNorm(Attention(RMSNorm(x)));  x += RMSNorm(Down(GELU(Gate(RMSNorm(x))) * Up(RMSNorm(x))))
// and caps its scores and logits; Gemma 3 (2025) normalises q and k head by head instead. Embeddings scaled by
// sqrt(hidden_size), norms that multiply by 1 + weight, windows and the two rotary bases are in the configuration.
#include "engine/families.h"

namespace iteralign {

Model::Block Gemma::load_block(const std::string& name) const {
  const std::string attention = name + "self_attn.", mlp = name + "mlp.";
  const bool third = config().model_type == "gemma3_text", bias = config().attention_bias;
  const auto norm_of = [&](const char* norm) { return load_small(name + norm, config().hidden_size); };
  const auto head_norm = [&](const char* norm) { return third ? load_small(attention + norm, config().head_dim) : at::Tensor(); };
  return {.name = name,
          .input_norm = norm_of("input_layernorm.weight"),
          .post_attention_norm = norm_of("post_attention_layernorm.weight"),
          .pre_feedforward_norm = norm_of("pre_feedforward_layernorm.weight"),
          .post_feedforward_norm = norm_of("post_feedforward_layernorm.weight"),
          .q_norm = head_norm("q_norm.weight"),
          .k_norm = head_norm("k_norm.weight"),
          .qkv = load_qkv(attention, bias),
          .o = load_o(attention, bias),
          .gate_up = load_gate_up(mlp, false),
          .down = load_down(mlp, false)};
}

at::Tensor Gemma::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = this->block(index);
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(norm_heads(parts[0], block.q_norm), rotation), k = rope(norm_heads(parts[1], block.k_norm), rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + norm(block.o->forward(attended), block.post_attention_norm);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.pre_feedforward_norm));
  return y + norm(block.down->forward(gated(gate_up, config().activation)), block.post_feedforward_norm);
}

}  // namespace iteralign
