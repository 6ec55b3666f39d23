// OLMo 2 (OLMo Team 2024) normalises what a part gives, not what it gets, and q and k over all heads together:
//   x += RMSNorm(Attention(x));  x += RMSNorm(Down(SiLU(Gate(x)) * Up(x)))
#include "engine/families.h"

namespace iteralign {

Model::Block Olmo::load_block(const std::string& name) const {
  const std::string attention = name + "self_attn.", mlp = name + "mlp.";
  const bool bias = config().attention_bias;
  return {.name = name,
          .post_attention_norm = load_small(name + "post_attention_layernorm.weight", config().hidden_size),
          .post_feedforward_norm = load_small(name + "post_feedforward_layernorm.weight", config().hidden_size),
          .q_norm = load_small(attention + "q_norm.weight", config().num_attention_heads * config().head_dim),
          .k_norm = load_small(attention + "k_norm.weight", config().num_key_value_heads * config().head_dim),
          .qkv = load_qkv(attention, bias),
          .o = load_o(attention, bias),
          .gate_up = load_gate_up(mlp, false),
          .down = load_down(mlp, false)};
}

at::Tensor Olmo::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = this->block(index);
  const auto parts = split_heads(block.qkv->forward(x));
  const auto turned = [&](const at::Tensor& heads, const at::Tensor& weight) {
    return rope(norm(heads.reshape({heads.size(0), -1}), weight).view(heads.sizes()), rotation);
  };
  const at::Tensor q = turned(parts[0], block.q_norm), k = turned(parts[1], block.k_norm);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + norm(block.o->forward(attended), block.post_attention_norm);

  return y + norm(block.down->forward(gated(block.gate_up->forward(y), config().activation)), block.post_feedforward_norm);
}

}  // namespace iteralign
