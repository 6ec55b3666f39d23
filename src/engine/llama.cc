// The Llama family reads like its papers (Touvron et al. 2023; Jiang et al. 2023):
//   x += Attention(RMSNorm(x));  x += Down(SiLU(Gate(RMSNorm(x))) * Up(RMSNorm(x)))
#include "engine/llama.h"

#include "engine/ops.h"

namespace iteralign {

Llama::Llama(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device)
    : Model(std::move(checkpoint), config, dtype, device) {
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::int64_t q_size = config.num_attention_heads * config.head_dim, kv_size = config.num_key_value_heads * config.head_dim;
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string name = "model.layers." + std::to_string(i) + ".", attention = name + "self_attn.", mlp = name + "mlp.";
    blocks_.push_back({name, load_small(name + "input_layernorm.weight", hidden),
                       load_small(name + "post_attention_layernorm.weight", hidden),
                       make_linear({load_linear(attention + "q_proj", q_size, hidden, config.attention_bias),
                                    load_linear(attention + "k_proj", kv_size, hidden, config.attention_bias),
                                    load_linear(attention + "v_proj", kv_size, hidden, config.attention_bias)}),
                       make_linear({load_linear(attention + "o_proj", hidden, q_size, config.attention_bias)}),
                       make_linear({load_linear(mlp + "gate_proj", inner, hidden, config.mlp_bias),
                                    load_linear(mlp + "up_proj", inner, hidden, config.mlp_bias)}),
                       make_linear({load_linear(mlp + "down_proj", hidden, inner, config.mlp_bias)})});
  }
}

at::Tensor Llama::layer(std::size_t index, const at::Tensor& x, AttentionContext& context, const at::Tensor& cosine,
                        const at::Tensor& sine) const {
  const Block& block = blocks_[index];
  const std::int64_t n = x.size(0), heads = config().num_attention_heads, kv_heads = config().num_key_value_heads, dim = config().head_dim;

  const at::Tensor qkv = block.qkv->forward(rms_norm(x, block.input_norm, config().rms_norm_eps)).view({n, heads + 2 * kv_heads, dim});
  const auto parts = qkv.split_with_sizes({heads, kv_heads, kv_heads}, 1);  // one split, for its backward pass is one copy
  const at::Tensor q = rope(parts[0], cosine, sine), k = rope(parts[1], cosine, sine);
  const at::Tensor attended = context.attend(static_cast<int>(index), q, k, parts[2], config().sliding_window);
  const at::Tensor y = x + block.o->forward(attended);

  const at::Tensor inner = swiglu(block.gate_up->forward(rms_norm(y, block.post_attention_norm, config().rms_norm_eps)));
  return y + block.down->forward(inner);
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
