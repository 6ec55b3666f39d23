// OLMo 2 normalises what a part gives, not what it gets, and q and k over all heads together (OLMo Team 2024).
#include "formats/families/families.h"

namespace iteralign::families {

constinit const Family olmo2 = {
    .model_type = "olmo2",
    .class_name = "Olmo2ForCausalLM",
    .defaults = {.vocab_size = 50304,
                 .hidden_size = 4096,
                 .intermediate_size = 11008,
                 .num_hidden_layers = 32,
                 .num_attention_heads = 32,
                 .max_position_embeddings = 2048,
                 .rms_norm_eps = 1e-5,
                 .pad = 1},
    .parse =
        [](const Fields& fields, ModelConfig& config) {
          config.norm_rounds_last = true;
          config.attention_bias = fields.boolean("attention_bias");
        },
    .modules =
        [](const ModelConfig& config) {
          return in_order({norm(Role::attention_output_norm, "post_attention_layernorm", config),
                           norm(Role::mlp_output_norm, "post_feedforward_layernorm", config), qkv(config, config.attention_bias),
                           qk_norms(config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim),
                           o(config, config.attention_bias), gate_up(config), down(config)});
        },
    .gguf = {.architecture = "olmo2", .read = read_gguf_attention_bias},
};

}  // namespace iteralign::families
