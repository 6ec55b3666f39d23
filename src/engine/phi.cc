// Llama (Abdin et al. 2024) with q, k and v in one tensor on disk, and gate and up in another. Phi-4-mini turns three quarters
// of a head only; the long versions scale their rotary embedding by longrope. Both are in the configuration.
#include "engine/phi.h"

#include "engine/ops.h"

namespace iteralign {

Phi::Phi(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : Model(std::move(checkpoint), config, dtype, device) {
  const std::int64_t heads = config.num_attention_heads + 2 * config.num_key_value_heads;
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".", attention = name + "self_attn.", mlp = name + "mlp.";
    blocks_.push_back(
        {name, load_small(name + "input_layernorm.weight", config.hidden_size),
         load_small(name + "post_attention_layernorm.weight", config.hidden_size),
         make_linear({load_linear(attention + "qkv_proj", heads * config.head_dim, config.hidden_size, false)}), load_o(attention, false),
         make_linear({load_linear(mlp + "gate_up_proj", 2 * config.intermediate_size, config.hidden_size, false)}), load_down(mlp, false)});
  }
}

at::Tensor Phi::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = blocks_[index];
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(parts[0], rotation), k = rope(parts[1], rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + block.o->forward(attended);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.post_attention_norm));
  return y + block.down->forward(gated(gate_up, config().activation));
}

std::vector<Linear*> Phi::layer_linears() {
  std::vector<Linear*> all;
  for (Block& block : blocks_) all.insert(all.end(), {block.qkv.get(), block.o.get(), block.gate_up.get(), block.down.get()});
  return all;
}

std::vector<NamedParameter> Phi::layer_parameters() {
  std::vector<NamedParameter> all;
  for (Block& block : blocks_) {
    all.push_back({block.name + "input_layernorm.weight", &block.input_norm});
    all.push_back({block.name + "post_attention_layernorm.weight", &block.post_attention_norm});
  }
  return all;
}

}  // namespace iteralign
