// OLMo 2 (OLMo Team 2024) normalises what a part gives, not what it gets, and q and k over all heads together:
//   x += RMSNorm(Attention(x));  x += RMSNorm(Down(SiLU(Gate(x)) * Up(x)))
#include "engine/olmo.h"

#include "engine/ops.h"

namespace iteralign {

Olmo::Olmo(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : Model(std::move(checkpoint), config, dtype, device) {
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".", attention = name + "self_attn.", mlp = name + "mlp.";
    blocks_.push_back({name, load_small(name + "post_attention_layernorm.weight", config.hidden_size),
                       load_small(name + "post_feedforward_layernorm.weight", config.hidden_size),
                       load_small(attention + "q_norm.weight", config.num_attention_heads * config.head_dim),
                       load_small(attention + "k_norm.weight", config.num_key_value_heads * config.head_dim),
                       load_qkv(attention, config.attention_bias), load_o(attention, config.attention_bias), load_gate_up(mlp, false),
                       load_down(mlp, false)});
  }
}

at::Tensor Olmo::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = blocks_[index];
  const auto parts = split_heads(block.qkv->forward(x));
  const auto turned = [&](const at::Tensor& heads, const at::Tensor& weight) {
    return rope(norm(heads.reshape({heads.size(0), -1}), weight).view(heads.sizes()), rotation);
  };
  const at::Tensor q = turned(parts[0], block.q_norm), k = turned(parts[1], block.k_norm);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + norm(block.o->forward(attended), block.post_attention_norm);

  return y + norm(block.down->forward(gated(block.gate_up->forward(y), config().activation)), block.post_feedforward_norm);
}

std::vector<Linear*> Olmo::layer_linears() {
  std::vector<Linear*> all;
  for (Block& block : blocks_) all.insert(all.end(), {block.qkv.get(), block.o.get(), block.gate_up.get(), block.down.get()});
  return all;
}

std::vector<NamedParameter> Olmo::layer_parameters() {
  std::vector<NamedParameter> all;
  for (Block& block : blocks_) {
    all.push_back({block.name + "post_attention_layernorm.weight", &block.post_attention_norm});
    all.push_back({block.name + "post_feedforward_layernorm.weight", &block.post_feedforward_norm});
    all.push_back({block.name + "self_attn.q_norm.weight", &block.q_norm});
    all.push_back({block.name + "self_attn.k_norm.weight", &block.k_norm});
  }
  return all;
}

}  // namespace iteralign
