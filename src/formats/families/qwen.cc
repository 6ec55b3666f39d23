// Llama with two differences: Qwen2 and 2.5 have biases on q, k and v (Yang et al. 2024); Qwen3 normalises q and k head by head
// instead (Yang et al. 2025).
#include "formats/families/families.h"
#include "formats/families/window_rules.h"

namespace iteralign::families {
namespace {

constexpr FamilyDefaults qwen_defaults(std::int64_t head_dim) {
  return {.vocab_size = 151936,
          .hidden_size = 4096,
          .intermediate_size = 22016,
          .num_hidden_layers = 32,
          .num_attention_heads = 32,
          .num_key_value_heads = 32,
          .head_dim = head_dim,
          .max_position_embeddings = 32768};
}

// From layer max_window_layers on, where they are switched on.
void parse_qwen_windows(const Fields& fields, ModelConfig& config) {
  if (!fields.boolean("use_sliding_window")) return;
  const std::int64_t first = fields.integer("max_window_layers", 0).value_or(28);
  set_windows(fields, config, sliding_window(fields, 4096), [=](std::int64_t i) { return i >= first; });
}

}  // namespace

constinit const Family qwen2 = {
    .model_type = "qwen2",
    .class_name = "Qwen2ForCausalLM",
    .defaults = qwen_defaults(/*head_dim=*/0),
    .parse = parse_qwen_windows,
    .modules =
        [](const ModelConfig& config) {
          return in_order({input_norms(config), qkv(config, /*bias=*/true), o(config, /*bias=*/false), gate_up(config), down(config)});
        },
    .gguf = {.architecture = "qwen2"},
};

constinit const Family qwen3 = {
    .model_type = "qwen3",
    .class_name = "Qwen3ForCausalLM",
    .defaults = qwen_defaults(128),
    .parse =
        [](const Fields& fields, ModelConfig& config) {
          config.attention_bias = fields.boolean("attention_bias");
          parse_qwen_windows(fields, config);
        },
    .modules =
        [](const ModelConfig& config) {
          return in_order({input_norms(config), qkv(config, config.attention_bias), qk_norms(config.head_dim, config.head_dim),
                           o(config, config.attention_bias), gate_up(config), down(config)});
        },
    .gguf = {.architecture = "qwen3", .read = read_gguf_attention_bias},
};

}  // namespace iteralign::families
