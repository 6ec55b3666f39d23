// Llama 1 to 3, and what is built like them: SmolLM2 and many more (Touvron et al. 2023).
#include "formats/families/families.h"

namespace iteralign::families {

constinit const Family llama = {
    .model_type = "llama",
    .class_name = "LlamaForCausalLM",
    .defaults = {.vocab_size = 32000,
                 .hidden_size = 4096,
                 .intermediate_size = 11008,
                 .num_hidden_layers = 32,
                 .num_attention_heads = 32,
                 .max_position_embeddings = 2048,
                 .bos = 1},
    .parse =
        [](const Fields& fields, ModelConfig& config) {
          config.attention_bias = fields.boolean("attention_bias");
          config.mlp_bias = fields.boolean("mlp_bias");
        },
    .modules =
        [](const ModelConfig& config) {
          return in_order({input_norms(config), qkv(config, config.attention_bias, /*rotated=*/true), o(config, config.attention_bias),
                           gate_up(config), down(config)});
        },
    .gguf = {.architecture = "llama",
             .counts_rotated_dimensions = true,
             .read =
                 [](const GgufKeys& keys, Json& config) {
                   config["mlp_bias"] = keys.has_tensor("blk.0.ffn_gate.bias");
                   read_gguf_attention_bias(keys, config);
                 }},
};

}  // namespace iteralign::families
