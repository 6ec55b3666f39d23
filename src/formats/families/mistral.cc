// Mistral: Llama without biases, and with a window in every layer (Jiang et al. 2023). llama.cpp calls it llama.
#include "core/log.h"
#include "formats/families/families.h"
#include "formats/families/window_rules.h"

namespace iteralign::families {

constinit const Family mistral = {
    .model_type = "mistral",
    .class_name = "MistralForCausalLM",
    .defaults = {.vocab_size = 32000,
                 .hidden_size = 4096,
                 .intermediate_size = 14336,
                 .num_hidden_layers = 32,
                 .num_attention_heads = 32,
                 .num_key_value_heads = 8,
                 .max_position_embeddings = 131072,
                 .bos = 1},
    .parse = [](const Fields& fields, ModelConfig& config) { set_windows(config, sliding_window(fields, 4096)); },
    .modules = [](const ModelConfig& config) { return llama.modules(config); },
    .gguf = {.architecture = "llama",
             .counts_rotated_dimensions = true,
             .check =
                 [](const ModelConfig& config, const std::string& where) {
                   if (const std::int64_t window = config.layers.front().window; window > 0)
                     log_warning("{}: llama.cpp does not know Mistral's sliding window of {} tokens; longer texts will differ", where,
                                 window);
                   check_gguf_scale(config, where, static_cast<double>(config.head_dim));
                 }},
};

}  // namespace iteralign::families
