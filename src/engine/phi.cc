// Llama (Abdin et al. 2024) with q, k and v in one tensor on disk, and gate and up in another. Phi-4-mini turns three quarters
// of a head only; the long versions scale their rotary embedding by longrope. Both are in the configuration.
#include "engine/families.h"

namespace iteralign {

Model::Block Phi::load_block(const std::string& name) const {
  const std::string attention = name + "self_attn.", mlp = name + "mlp.";
  const std::int64_t hidden = config().hidden_size, heads = config().num_attention_heads + 2 * config().num_key_value_heads;
  return {.name = name,
          .input_norm = load_small(name + "input_layernorm.weight", hidden),
          .post_attention_norm = load_small(name + "post_attention_layernorm.weight", hidden),
          .qkv = make_linear({load_linear(attention + "qkv_proj", heads * config().head_dim, hidden, false)}),
          .o = load_o(attention, false),
          .gate_up = make_linear({load_linear(mlp + "gate_up_proj", 2 * config().intermediate_size, hidden, false)}),
          .down = load_down(mlp, false)};
}

}  // namespace iteralign
