// Gemma 2 (Gemma Team 2024) normalises before and after each part, with norms that multiply by 1 + weight, scales its embeddings and caps
// its scores and logits; Gemma 3 (2025, text) normalises q and k head by head instead, and turns its windows by a base of their own.
#include <cmath>

#include "formats/families/families.h"
#include "formats/families/window_rules.h"
#include "formats/rope_config.h"

namespace iteralign::families {
namespace {

constexpr FamilyDefaults gemma_defaults(std::int64_t vocab_size, std::int64_t max_position_embeddings) {
  return {.vocab_size = vocab_size,
          .hidden_size = 2304,
          .intermediate_size = 9216,
          .num_hidden_layers = 26,
          .num_attention_heads = 8,
          .num_key_value_heads = 4,
          .head_dim = 256,
          .max_position_embeddings = max_position_embeddings,
          .tie_word_embeddings = true,
          .bos = 2,
          .pad = 0,
          .activation_key = "hidden_activation",
          .activation = Activation::gelu_tanh};
}

// Missing is not null: null is off.
double cap(const Fields& fields, const char* key, double otherwise) {
  return fields.contains(key) ? fields.positive(key).value_or(0) : otherwise;
}

void parse_gemma(const Fields& fields, ModelConfig& config) {
  config.scale_embeddings = config.norm_adds_one = config.norm_rounds_last = true;
  config.attention_bias = fields.boolean("attention_bias");
  if (fields.boolean("use_bidirectional_attention")) fields.fail("use_bidirectional_attention", "is true, which is not supported");
  config.attention_scale = 1 / std::sqrt(fields.positive("query_pre_attn_scalar").value_or(256));
}

// Of the layers that see everything, and of those with a window: version 5 has an object for each in rope_parameters.
std::vector<RopeConfig> parse_gemma3_ropes(const Fields& fields, const ModelConfig& config) {
  const char *global = "full_attention", *local = "sliding_attention";
  const double global_theta = fields.positive("rope_theta").value_or(1e6),
               local_theta = fields.positive("rope_local_base_freq").value_or(1e4);
  const Fields both = fields.object("rope_parameters"), scaling = fields.object("rope_scaling");
  if (!both.empty() && !both.contains(global) && !both.contains(local))
    both.fail(global, "is missing: this family has an object for each kind of layer");
  if (scaling.contains("type") && !scaling.contains("rope_type")) scaling.fail("rope_type", "is missing: `type` counts for nothing here");
  // As in transformers 5: rope_scaling changes what the layers that see everything have, key by key.
  Json changed = both.object(global).json();
  changed.update(scaling.json());
  return {parse_rope(fields, Fields(changed, fields.where() + ": rope_parameters: " + global), config, global_theta),
          parse_rope(fields, both.object(local), config, local_theta)};
}

BlockModules norms_around(const ModelConfig& config) {
  return in_order(
      {norm(Role::attention_input_norm, "input_layernorm", config), norm(Role::attention_output_norm, "post_attention_layernorm", config),
       norm(Role::mlp_input_norm, "pre_feedforward_layernorm", config), norm(Role::mlp_output_norm, "post_feedforward_layernorm", config)});
}

// The largest models, which only their layers tell, scale scores by the size of a head that hidden_size would have.
constexpr std::int64_t kLargest2 = 46, kLargest3 = 62;

void read_gemma(const GgufKeys& keys, Json& config, std::int64_t layers_of_largest) {
  const std::int64_t heads = config["num_attention_heads"], hidden = config["hidden_size"];
  const bool largest = config["num_hidden_layers"] == layers_of_largest;
  config["query_pre_attn_scalar"] = largest ? hidden / heads : config["head_dim"].get<std::int64_t>();
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = keys.integer("attention.sliding_window");
}

void check_gemma_scale(const ModelConfig& config, const std::string& where, std::int64_t layers_of_largest) {
  const double head = static_cast<double>(config.head_dim),
               part = static_cast<double>(config.hidden_size) / static_cast<double>(config.num_attention_heads);
  check_gguf_scale(config, where, config.num_hidden_layers == layers_of_largest ? part : head);
}

void write_window(const ModelConfig& config, GgufKeyWriter& keys) { keys.count("attention.sliding_window", largest_window(config)); }

}  // namespace

constinit const Family gemma2 = {
    .model_type = "gemma2",
    .class_name = "Gemma2ForCausalLM",
    .defaults = gemma_defaults(256000, 8192),
    .parse =
        [](const Fields& fields, ModelConfig& config) {
          parse_gemma(fields, config);
          config.attn_logit_softcapping = cap(fields, "attn_logit_softcapping", 50);
          config.final_logit_softcapping = cap(fields, "final_logit_softcapping", 30);
          set_windows(fields, config, sliding_window(fields, 4096), [](std::int64_t i) { return i % 2 == 0; });
        },
    .modules =
        [](const ModelConfig& config) {
          return in_order(
              {norms_around(config), qkv(config, config.attention_bias), o(config, config.attention_bias), gate_up(config), down(config)});
        },
    .gguf = {.architecture = "gemma2",
             .read =
                 [](const GgufKeys& keys, Json& config) {
                   read_gemma(keys, config, kLargest2);
                   config["attn_logit_softcapping"] = keys.number("attn_logit_softcapping", 50);
                   config["final_logit_softcapping"] = keys.number("final_logit_softcapping", 30);
                   read_gguf_attention_bias(keys, config);
                 },
             .check =
                 [](const ModelConfig& config, const std::string& where) {
                   check_gguf_layers(config, where, [](std::size_t i, const LayerConfig& l) { return (l.window > 0) == (i % 2 == 0); });
                   check_gemma_scale(config, where, kLargest2);
                   if (config.attn_logit_softcapping == 0 || config.final_logit_softcapping == 0)
                     refuse_for_gguf(where, "scores or logits are not capped");
                 },
             .write =
                 [](const ModelConfig& config, GgufKeyWriter& keys) {
                   write_window(config, keys);
                   keys.number("attn_logit_softcapping", config.attn_logit_softcapping);
                 }},
};

constinit const Family gemma3 = {
    .model_type = "gemma3_text",
    .class_name = "Gemma3ForCausalLM",
    .defaults = gemma_defaults(262208, 131072),
    .parse =
        [](const Fields& fields, ModelConfig& config) {
          parse_gemma(fields, config);
          config.final_logit_softcapping = cap(fields, "final_logit_softcapping", 0);  // attn_logit_softcapping counts for nothing
          const std::int64_t pattern = fields.integer("sliding_window_pattern", 1).value_or(6);
          set_windows(fields, config, sliding_window(fields, 4096), [=](std::int64_t i) { return (i + 1) % pattern != 0; });
          config.ropes = parse_gemma3_ropes(fields, config);
          for (LayerConfig& layer : config.layers) layer.rope = layer.window > 0 ? 1 : 0;
        },
    .modules =
        [](const ModelConfig& config) {
          return in_order({norms_around(config), qkv(config, config.attention_bias), qk_norms(config.head_dim, config.head_dim),
                           o(config, config.attention_bias), gate_up(config), down(config)});
        },
    .gguf = {.architecture = "gemma3",
             .read =
                 [](const GgufKeys& keys, Json& config) {
                   read_gemma(keys, config, kLargest3);
                   config["sliding_window_pattern"] = 6;
                   config["rope_local_base_freq"] = keys.number("rope.freq_base_swa", 1e4);
                   read_gguf_attention_bias(keys, config);
                 },
             .check =
                 [](const ModelConfig& config, const std::string& where) {
                   check_gguf_layers(config, where,
                                     [](std::size_t i, const LayerConfig& l) { return (l.window > 0) == ((i + 1) % 6 != 0); });
                   check_gemma_scale(config, where, kLargest3);
                 },
             .write = write_window},
};

}  // namespace iteralign::families
