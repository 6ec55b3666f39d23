// Phi-3 and Phi-4-mini: Llama with q, k and v in one tensor on disk, and gate and up in another (Abdin et al. 2024). Phi-4-mini turns
// three quarters of a head only; the long versions scale their rotary embedding by longrope.
#include "formats/families/families.h"
#include "formats/families/window_rules.h"

namespace iteralign::families {

constinit const Family phi3 = {
    .model_type = "phi3",
    .class_name = "Phi3ForCausalLM",
    .defaults = {.vocab_size = 32064,
                 .hidden_size = 3072,
                 .intermediate_size = 8192,
                 .num_hidden_layers = 32,
                 .num_attention_heads = 32,
                 .max_position_embeddings = 4096,
                 .rms_norm_eps = 1e-5,
                 .bos = 1,
                 .pad = 32000},
    .rope = {.partial = true, .yarn_is_longrope = true, .outer_original_length = 4096},
    .parse = [](const Fields& fields, ModelConfig& config) { set_windows(config, sliding_window(fields, 0)); },
    .modules =
        [](const ModelConfig& config) {
          const std::int64_t hidden = config.hidden_size, heads = config.num_attention_heads + 2 * config.num_key_value_heads;
          return in_order({input_norms(config),
                           {{Role::qkv, "self_attn.qkv_proj", "attn_qkv", {heads * config.head_dim, hidden}}},
                           o(config, /*bias=*/false),
                           {{Role::gate_up, "mlp.gate_up_proj", "ffn_up", {2 * config.intermediate_size, hidden}}},
                           down(config)});
        },
    .gguf = {.architecture = "phi3",
             .counts_rotated_dimensions = true,
             .read =
                 [](const GgufKeys& keys, Json& config) {
                   const std::int64_t window = keys.integer("attention.sliding_window", 0), head = config["head_dim"];
                   config["sliding_window"] = window > 0 ? Json(window) : Json();
                   const std::int64_t rotated = keys.integer("rope.dimension_count", head);
                   if (rotated != head) config["partial_rotary_factor"] = static_cast<double>(rotated) / static_cast<double>(head);
                   config["original_max_position_embeddings"] =
                       keys.integer("rope.scaling.original_context_length", config["max_position_embeddings"]);
                 },
             .check = [](const ModelConfig& config,
                         const std::string& where) { check_gguf_scale(config, where, static_cast<double>(config.head_dim)); },
             .write =
                 [](const ModelConfig& config, GgufKeyWriter& keys) {
                   const RopeConfig& rope = config.ropes[0];
                   const bool longrope = rope.scaling == RopeScaling::longrope;
                   keys.count("rope.scaling.original_context_length",
                              longrope ? rope.original_max_position_embeddings : config.max_position_embeddings);
                   if (longrope) keys.number("rope.scaling.attn_factor", rope.attention_factor);
                   keys.count("attention.sliding_window", largest_window(config));
                 }},
};

}  // namespace iteralign::families
