#include "formats/gguf_metadata.h"

#include "formats/families/family.h"

namespace iteralign {
namespace {

void write_rope(const ModelConfig& config, GgufKeyWriter& keys) {
  const RopeConfig& rope = config.ropes[0];
  keys.number("rope.freq_base", rope.theta);
  if (config.ropes.size() > 1) keys.number("rope.freq_base_swa", config.ropes[1].theta);
  if (config.family->gguf.counts_rotated_dimensions) keys.count("rope.dimension_count", rope.dim);
  if (rope.scaling == RopeScaling::linear || rope.scaling == RopeScaling::yarn) {
    keys.text("rope.scaling.type", rope.scaling == RopeScaling::linear ? "linear" : "yarn");
    keys.number("rope.scaling.factor", rope.factor);
  }
  if (rope.scaling == RopeScaling::yarn) {
    keys.count("rope.scaling.original_context_length", rope.original_max_position_embeddings);
    keys.number("rope.scaling.yarn_beta_fast", rope.beta_fast);
    keys.number("rope.scaling.yarn_beta_slow", rope.beta_slow);
  }
}

}  // namespace

GgufMetadata gguf_model_metadata(const ModelConfig& config, const std::string& where) {
  const Family& family = *config.family;
  family.gguf.check(config, where);
  if (config.activation != family.defaults.activation) refuse_for_gguf(where, "the activation is another than the family's");
  GgufKeyWriter keys(family.gguf.architecture);
  keys.count("block_count", config.num_hidden_layers);
  keys.count("context_length", config.max_position_embeddings);
  keys.count("embedding_length", config.hidden_size);
  keys.count("feed_forward_length", config.intermediate_size);
  keys.count("attention.head_count", config.num_attention_heads);
  keys.count("attention.head_count_kv", config.num_key_value_heads);
  keys.count("attention.key_length", config.head_dim);
  keys.count("attention.value_length", config.head_dim);
  keys.number("attention.layer_norm_rms_epsilon", config.rms_norm_eps);
  keys.count("vocab_size", config.vocab_size);
  write_rope(config, keys);
  if (family.gguf.write != nullptr) family.gguf.write(config, keys);
  if (config.final_logit_softcapping > 0) keys.number("final_logit_softcapping", config.final_logit_softcapping);
  return keys.take();
}

}  // namespace iteralign
