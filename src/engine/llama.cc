// The Llama family reads like its papers (Touvron et al. 2023; Jiang et al. 2023):
//   x += Attention(RMSNorm(x));  x += Down(SiLU(Gate(RMSNorm(x))) * Up(RMSNorm(x)))
// Mistral's windows and the layers of SmolLM3 that encode no positions are in the configuration.
#include "engine/families.h"

namespace iteralign {

Model::Block Llama::load_block(const std::string& name) const {
  const std::string attention = name + "self_attn.", mlp = name + "mlp.";
  const bool bias = config().attention_bias;
  return {.name = name,
          .input_norm = load_small(name + "input_layernorm.weight", config().hidden_size),
          .post_attention_norm = load_small(name + "post_attention_layernorm.weight", config().hidden_size),
          .qkv = load_qkv(attention, bias),
          .o = load_o(attention, bias),
          .gate_up = load_gate_up(mlp, config().mlp_bias),
          .down = load_down(mlp, config().mlp_bias)};
}

at::Tensor Llama::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = this->block(index);
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(parts[0], rotation), k = rope(parts[1], rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + block.o->forward(attended);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.post_attention_norm));
  return y + block.down->forward(gated(gate_up, config().activation));
}

}  // namespace iteralign
