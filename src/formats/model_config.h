#pragma once
// What config.json says about a model, in the spellings of transformers 4 and 5.
// Reference for keys and defaults: the configuration classes of transformers.

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"

namespace iteralign {

enum class RopeScaling { none, linear, llama3, yarn, longrope };

// One rotary position embedding.
struct RopeConfig {
  std::int64_t dim = 0;  // rotated dimensions of a head, the first ones
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1.0;                                // linear, llama3, yarn
  double low_freq_factor = 1.0;                       // llama3
  double high_freq_factor = 4.0;                      // llama3
  std::int64_t original_max_position_embeddings = 0;  // llama3, yarn, longrope
  double beta_fast = 32.0, beta_slow = 1.0;           // yarn
  bool truncate = true;                               // yarn
  std::vector<double> short_factor, long_factor;      // longrope: dim / 2 each; long ones in sequences longer than the original
  double attention_factor = 1.0;                      // yarn, longrope: cosine and sine are multiplied by it
};

// What differs from layer to layer.
struct LayerConfig {
  std::int64_t window = 0;  // keys that a query sees, itself included; 0: all
  int rope = 0;             // which of ModelConfig::ropes; kNoRope: positions are not encoded
};
inline constexpr int kNoRope = -1;

enum class Activation { silu, gelu_tanh };

struct Family;

struct ModelConfig {
  const Family* family = nullptr;  // what else is true of it (family.h)
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  Activation activation = Activation::silu;
  std::vector<RopeConfig> ropes;    // one, or one for all layers and one for those with a window
  std::vector<LayerConfig> layers;  // num_hidden_layers
  bool tie_word_embeddings = false;
  bool scale_embeddings = false;                      // embeddings are multiplied by sqrt(hidden_size)
  bool norm_adds_one = false;                         // norms multiply by 1 + weight
  bool norm_rounds_last = false;                      // norms round to the compute dtype after the weight, not before
  bool attention_bias = false;                        // q, k, v and o
  bool mlp_bias = false;                              // gate, up and down
  double attention_scale = 0;                         // of q k^T
  double attn_logit_softcapping = 0;                  // scores become c tanh(score / c); 0: off
  double final_logit_softcapping = 0;                 // the same for the logits
  std::string dtype;                                  // of the weights as they were saved: "float32", "bfloat16", "float16"; may be empty
  std::int64_t bos_token_id = -1, pad_token_id = -1;  // -1: none
};

// Error data names the key and `where` (the file); a model_type that is not supported is named with those that are.
ModelConfig parse_model_config(const Json& config, const std::string& where);

// Whether the configuration makes lm_head the embedding; of a model_type that is not supported only where it says so.
bool ties_embeddings(const Json& config);

// The tokens that end a generation: those of generation_config.json, else those of config.json (both objects as read).
std::vector<std::int64_t> eos_token_ids(const Json& generation_config, const Json& config, const std::string& where);

}  // namespace iteralign
