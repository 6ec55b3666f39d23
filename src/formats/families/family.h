#pragma once
// What a family of models is on disk: its rules for config.json, the tensors of its layers, and what GGUF files keep of it.

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/config_fields.h"
#include "formats/families/block_modules.h"
#include "formats/families/gguf_limits.h"
#include "formats/gguf_keys.h"
#include "formats/model_config.h"

namespace iteralign {

// What a key of config.json means when it is missing: the defaults of the configuration class of transformers.
struct FamilyDefaults {
  std::int64_t vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads;
  std::int64_t num_key_value_heads = 0;  // 0: num_attention_heads
  std::int64_t head_dim = 0;             // 0: hidden_size / num_attention_heads
  std::int64_t max_position_embeddings;
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  std::int64_t bos = -1, pad = -1;
  const char* activation_key = "hidden_act";
  Activation activation = Activation::silu;
};

// How its rotary embedding is read.
struct RopeRules {
  double theta = 1e4;             // where rope_theta is missing
  bool partial = false;           // partial_rotary_factor may turn a part of each head only
  bool yarn_is_longrope = false;  // by its old name
  std::int64_t outer_original_length =
      0;  // > 0: original_max_position_embeddings stands outside the scaling, and is this where it is missing
};

struct GgufRules {
  std::string_view architecture;           // general.architecture
  bool counts_rotated_dimensions = false;  // rope.dimension_count is written
  // Adds to config.json what the file says beyond sizes, positions and tokens. May be null, as `write` may.
  void (*read)(const GgufKeys& keys, Json& config) = nullptr;
  // Refuses what llama.cpp does otherwise, for it has no key for it.
  void (*check)(const ModelConfig& config, const std::string& where) = check_gguf_usual;
  // Adds keys beyond sizes, positions and the cap of the logits.
  void (*write)(const ModelConfig& config, GgufKeyWriter& keys) = nullptr;
};

struct Family {
  std::string_view model_type;  // in config.json
  std::string_view class_name;  // in transformers
  FamilyDefaults defaults;
  RopeRules rope = {};
  // Reads what sizes, heads, tokens and activation leave open. Ropes and attention_scale that it does not set are the usual ones.
  void (*parse)(const Fields& fields, ModelConfig& config);
  // Of one layer, in the order of its forward pass.
  BlockModules (*modules)(const ModelConfig& config);
  GgufRules gguf;
};

}  // namespace iteralign
