// SmolLM3: Llama with layers that encode no positions (Bakouch et al. 2025; Yang et al. 2025, "RoPE to NoRope and back again").
#include "formats/families/families.h"
#include "formats/families/window_rules.h"

namespace iteralign::families {
namespace {

// A 0 in no_rope_layers, else every fourth layer, knows no positions.
void parse_layers_without_rope(const Fields& fields, ModelConfig& config) {
  const auto marks = fields.ids("no_rope_layers");
  const std::int64_t interval = fields.integer("no_rope_layer_interval", 1).value_or(4);
  if (marks && marks->size() < config.layers.size())
    fields.fail("no_rope_layers",
                "has " + std::to_string(marks->size()) + " entries for " + std::to_string(config.layers.size()) + " layers");
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const bool has_rope = marks ? (*marks)[i] != 0 : (static_cast<std::int64_t>(i) + 1) % interval != 0;
    if (!has_rope) config.layers[i].rope = kNoRope;
  }
}

}  // namespace

constinit const Family smollm3 = {
    .model_type = "smollm3",
    .class_name = "SmolLM3ForCausalLM",
    .defaults = {.vocab_size = 128256,
                 .hidden_size = 2048,
                 .intermediate_size = 11008,
                 .num_hidden_layers = 36,
                 .num_attention_heads = 16,
                 .num_key_value_heads = 4,
                 .max_position_embeddings = 32768,
                 .tie_word_embeddings = true,
                 .bos = 128000,
                 .pad = 128004},
    .rope = {.theta = 2e6},
    .parse =
        [](const Fields& fields, ModelConfig& config) {
          llama.parse(fields, config);
          parse_layers_without_rope(fields, config);
          if (fields.boolean("use_sliding_window"))
            set_windows(fields, config, sliding_window(fields, 0),
                        [&](std::int64_t i) { return config.layers[static_cast<std::size_t>(i)].rope == kNoRope; });
        },
    .modules = [](const ModelConfig& config) { return llama.modules(config); },
    .gguf = {.architecture = "smollm3",
             .counts_rotated_dimensions = true,
             .read =
                 [](const GgufKeys& keys, Json& config) {
                   config["no_rope_layer_interval"] = 4;
                   llama.gguf.read(keys, config);
                 },
             .check =
                 [](const ModelConfig& config, const std::string& where) {
                   check_gguf_layers(config, where,
                                     [](std::size_t i, const LayerConfig& l) { return (l.rope == kNoRope) == ((i + 1) % 4 == 0); });
                   check_gguf_usual(config, where);
                 }},
};

}  // namespace iteralign::families
