// Llama with two differences: Qwen2 has biases on q, k and v (Yang et al. 2024); Qwen3 normalises q and k head by head instead
// (Yang et al. 2025).
#include "engine/qwen.h"

#include "engine/ops.h"

namespace iteralign {

Qwen::Qwen(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : Model(std::move(checkpoint), config, dtype, device) {
  const bool third = config.model_type == "qwen3";
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".", attention = name + "self_attn.", mlp = name + "mlp.";
    const auto head_norm = [&](const char* norm) { return third ? load_small(attention + norm, config.head_dim) : at::Tensor(); };
    blocks_.push_back({name, load_small(name + "input_layernorm.weight", config.hidden_size),
                       load_small(name + "post_attention_layernorm.weight", config.hidden_size), head_norm("q_norm.weight"),
                       head_norm("k_norm.weight"), load_qkv(attention, !third || config.attention_bias),
                       load_o(attention, third && config.attention_bias), load_gate_up(mlp, false), load_down(mlp, false)});
  }
}

at::Tensor Qwen::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = blocks_[index];
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(norm_heads(parts[0], block.q_norm), rotation), k = rope(norm_heads(parts[1], block.k_norm), rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + block.o->forward(attended);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.post_attention_norm));
  return y + block.down->forward(gated(gate_up, config().activation));
}

std::vector<Linear*> Qwen::layer_linears() {
  std::vector<Linear*> all;
  for (Block& block : blocks_) all.insert(all.end(), {block.qkv.get(), block.o.get(), block.gate_up.get(), block.down.get()});
  return all;
}

std::vector<NamedParameter> Qwen::layer_parameters() {
  std::vector<NamedParameter> all;
  for (Block& block : blocks_) {
    all.push_back({block.name + "input_layernorm.weight", &block.input_norm});
    all.push_back({block.name + "post_attention_layernorm.weight", &block.post_attention_norm});
    if (!block.q_norm.defined()) continue;
    all.push_back({block.name + "self_attn.q_norm.weight", &block.q_norm});
    all.push_back({block.name + "self_attn.k_norm.weight", &block.k_norm});
  }
  return all;
}

}  // namespace iteralign
