// Gemma 2 (Gemma Team 2024) normalises before and after each part:
//   x += RMSNorm(Attention(RMSNorm(x)));  x += RMSNorm(Down(GELU(Gate(RMSNorm(x))) * Up(RMSNorm(x))))
// and caps its scores and logits; Gemma 3 (2025) normalises q and k head by head instead. Embeddings scaled by
// sqrt(hidden_size), norms that multiply by 1 + weight, windows and the two rotary bases are in the configuration.
#include "engine/gemma.h"

#include "engine/ops.h"

namespace iteralign {

Gemma::Gemma(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : Model(std::move(checkpoint), config, dtype, device) {
  const bool third = config.model_type == "gemma3_text";
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".", attention = name + "self_attn.", mlp = name + "mlp.";
    const auto norm_of = [&](const char* norm) { return load_small(name + norm, config.hidden_size); };
    const auto head_norm = [&](const char* norm) { return third ? load_small(attention + norm, config.head_dim) : at::Tensor(); };
    blocks_.push_back({name, norm_of("input_layernorm.weight"), norm_of("post_attention_layernorm.weight"),
                       norm_of("pre_feedforward_layernorm.weight"), norm_of("post_feedforward_layernorm.weight"),
                       head_norm("q_norm.weight"), head_norm("k_norm.weight"), load_qkv(attention, config.attention_bias),
                       load_o(attention, config.attention_bias), load_gate_up(mlp, false), load_down(mlp, false)});
  }
}

at::Tensor Gemma::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const Rotation& rotation) const {
  const Block& block = blocks_[index];
  const auto parts = split_heads(block.qkv->forward(norm(x, block.input_norm)));
  const at::Tensor q = rope(norm_heads(parts[0], block.q_norm), rotation), k = rope(norm_heads(parts[1], block.k_norm), rotation);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], attention_rule(index));
  const at::Tensor y = x + norm(block.o->forward(attended), block.post_attention_norm);

  const at::Tensor gate_up = block.gate_up->forward(norm(y, block.pre_feedforward_norm));
  return y + norm(block.down->forward(gated(gate_up, config().activation)), block.post_feedforward_norm);
}

std::vector<Linear*> Gemma::layer_linears() {
  std::vector<Linear*> all;
  for (Block& block : blocks_) all.insert(all.end(), {block.qkv.get(), block.o.get(), block.gate_up.get(), block.down.get()});
  return all;
}

std::vector<NamedParameter> Gemma::layer_parameters() {
  std::vector<NamedParameter> all;
  for (Block& block : blocks_) {
    all.push_back({block.name + "input_layernorm.weight", &block.input_norm});
    all.push_back({block.name + "post_attention_layernorm.weight", &block.post_attention_norm});
    all.push_back({block.name + "pre_feedforward_layernorm.weight", &block.pre_feedforward_norm});
    all.push_back({block.name + "post_feedforward_layernorm.weight", &block.post_feedforward_norm});
    if (!block.q_norm.defined()) continue;
    all.push_back({block.name + "self_attn.q_norm.weight", &block.q_norm});
    all.push_back({block.name + "self_attn.k_norm.weight", &block.k_norm});
  }
  return all;
}

}  // namespace iteralign
