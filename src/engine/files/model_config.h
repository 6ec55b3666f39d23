#pragma once
// What config.json says about a model, in the spellings of transformers 4 and 5.
// Reference for keys and defaults: LlamaConfig, MistralConfig, Qwen2Config and Qwen3Config of transformers.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace iteralign {

enum class RopeScaling { none, linear, llama3 };

struct ModelConfig {
  std::string model_type;  // one of model_families()
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling = RopeScaling::none;
  double rope_factor = 1.0;                                // linear and llama3
  double rope_low_freq_factor = 1.0;                       // llama3
  double rope_high_freq_factor = 4.0;                      // llama3
  std::int64_t rope_original_max_position_embeddings = 0;  // llama3
  bool tie_word_embeddings = false;
  bool attention_bias = false;                        // q, k, v and o (Qwen2: q, k and v, without this key)
  bool mlp_bias = false;                              // gate, up and down
  std::int64_t sliding_window = 0;                    // keys that a query sees, itself included; 0: all
  std::string dtype;                                  // of the weights as they were saved: "float32", "bfloat16", "float16"; may be empty
  std::int64_t bos_token_id = -1, pad_token_id = -1;  // -1: none
  std::vector<std::int64_t> eos_token_ids;
};

// The values of model_type that are supported.
const std::vector<std::string>& model_families();

// Error data names the key and `where` (the file); a model_type that is not supported is named with those that are.
ModelConfig parse_model_config(const Json& config, const std::string& where);

// The tokens that end a generation: those of generation_config.json, else those of config.json (both objects as read).
std::vector<std::int64_t> eos_token_ids(const Json& generation_config, const Json& config, const std::string& where);

}  // namespace iteralign
