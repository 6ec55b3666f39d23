// The Llama family reads like its papers (Touvron et al. 2023; Jiang et al. 2023):
//   x += Attention(RMSNorm(x));  x += Down(SiLU(Gate(RMSNorm(x))) * Up(RMSNorm(x)))
// Mistral's windows and the layers of SmolLM3 that encode no positions are in the configuration.
#include "engine/llama.h"

#include "engine/ops.h"

namespace iteralign {

Llama::Llama(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : Model(std::move(checkpoint), config, dtype, device) {
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".", attention = name + "self_attn.", mlp = name + "mlp.";
    blocks_.push_back({name, load_small(name + "input_layernorm.weight", config.hidden_size),
                       load_small(name + "post_attention_layernorm.weight", config.hidden_size), load_qkv(attention, config.attention_bias),
                       load_o(attention, config.attention_bias), load_gate_up(mlp, config.mlp_bias), load_down(mlp, config.mlp_bias)});
  }
}

at::Tensor Llama::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = blocks_[index];
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(parts[0], rotation), k = rope(parts[1], rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + block.o->forward(attended);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.post_attention_norm));
  return y + block.down->forward(gated(gate_up, config().activation));
}

std::vector<Linear*> Llama::layer_linears() {
  std::vector<Linear*> all;
  for (Block& block : blocks_) all.insert(all.end(), {block.qkv.get(), block.o.get(), block.gate_up.get(), block.down.get()});
  return all;
}

std::vector<NamedParameter> Llama::layer_parameters() {
  std::vector<NamedParameter> all;
  for (Block& block : blocks_) {
    all.push_back({block.name + "input_layernorm.weight", &block.input_norm});
    all.push_back({block.name + "post_attention_layernorm.weight", &block.post_attention_norm});
  }
  return all;
}

}  // namespace iteralign
