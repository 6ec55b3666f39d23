#include "formats/gguf_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/log.h"
#include "formats/gguf_tensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::uint32_t count(std::int64_t value) { return static_cast<std::uint32_t>(value); }

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::data, what + ", which llama.cpp does not know for this family", where, "use the Hugging Face folder");
}

void check_layers(const ModelConfig& config, const std::string& where, const auto& expected) {
  for (std::size_t i = 0; i < config.layers.size(); ++i)
    if (!expected(i, config.layers[i])) refuse(where, fmt::format("layer {} differs from the usual pattern of windows and positions", i));
}

// Which layers have windows is part of llama.cpp's own code.
void check_pattern(const ModelConfig& config, const std::string& where) {
  const std::string& type = config.model_type;
  if (type == "gemma2")
    return check_layers(config, where, [](std::size_t i, const LayerConfig& l) { return (l.window > 0) == (i % 2 == 0); });
  if (type == "gemma3_text") {
    return check_layers(config, where, [](std::size_t i, const LayerConfig& l) { return (l.window > 0) == ((i + 1) % 6 != 0); });
  }
  if (type == "smollm3") {
    check_layers(config, where, [](std::size_t i, const LayerConfig& l) { return (l.rope == kNoRope) == ((i + 1) % 4 == 0); });
  }
  if (type == "phi3") return;
  for (const LayerConfig& layer : config.layers) {
    if (layer.window == 0) continue;
    if (type != "mistral") refuse(where, "this model has sliding windows");
    log_warning("{}: llama.cpp does not know Mistral's sliding window of {} tokens; longer texts will differ", where, layer.window);
    return;
  }
}

void check_scales(const ModelConfig& config, const std::string& where) {
  const double usual = 1 / std::sqrt(static_cast<double>(config.head_dim));
  const double per_head = 1 / std::sqrt(static_cast<double>(config.hidden_size) / static_cast<double>(config.num_attention_heads));
  const bool largest = (config.model_type == "gemma2" && config.num_hidden_layers == 46) ||
                       (config.model_type == "gemma3_text" && config.num_hidden_layers == 62);  // the 27B models
  if (std::abs(config.attention_scale / (largest ? per_head : usual) - 1) > 1e-6)
    refuse(where, "query_pre_attn_scalar is another than the size of a head");
  if (config.model_type == "gemma2" && (config.attn_logit_softcapping == 0 || config.final_logit_softcapping == 0))
    refuse(where, "scores or logits are not capped");
  if (config.activation != (config.model_type.starts_with("gemma") ? Activation::gelu_tanh : Activation::silu))
    refuse(where, "the activation is another than the family's");
}

class Keys {
 public:
  explicit Keys(std::string architecture) : architecture_(std::move(architecture)) {}
  template <class T>
  void add(const char* key, T value) {
    all_.emplace_back(architecture_ + "." + key, std::move(value));
  }
  GgufMetadata take() { return std::move(all_); }

 private:
  std::string architecture_;
  GgufMetadata all_;
};

void add_rope(const ModelConfig& config, Keys& keys) {
  const RopeConfig& rope = config.ropes[0];
  keys.add("rope.freq_base", static_cast<float>(rope.theta));
  if (config.ropes.size() > 1) keys.add("rope.freq_base_swa", static_cast<float>(config.ropes[1].theta));
  const std::string architecture = gguf_architecture(config.model_type);
  if (architecture == "llama" || architecture == "smollm3" || architecture == "phi3") keys.add("rope.dimension_count", count(rope.dim));
  if (rope.scaling == RopeScaling::linear || rope.scaling == RopeScaling::yarn) {
    keys.add("rope.scaling.type", std::string(rope.scaling == RopeScaling::linear ? "linear" : "yarn"));
    keys.add("rope.scaling.factor", static_cast<float>(rope.factor));
  }
  if (rope.scaling == RopeScaling::yarn) {
    keys.add("rope.scaling.original_context_length", count(rope.original_max_position_embeddings));
    keys.add("rope.scaling.yarn_beta_fast", static_cast<float>(rope.beta_fast));
    keys.add("rope.scaling.yarn_beta_slow", static_cast<float>(rope.beta_slow));
  }
  if (config.model_type != "phi3") return;
  const bool longrope = rope.scaling == RopeScaling::longrope;
  keys.add("rope.scaling.original_context_length",
           count(longrope ? rope.original_max_position_embeddings : config.max_position_embeddings));
  if (longrope) keys.add("rope.scaling.attn_factor", static_cast<float>(rope.attention_factor));
}

void add_window(const ModelConfig& config, Keys& keys) {
  std::int64_t window = 0;
  for (const LayerConfig& layer : config.layers) window = std::max(window, layer.window);
  if (config.model_type.starts_with("gemma") || config.model_type == "phi3") keys.add("attention.sliding_window", count(window));
}

}  // namespace

GgufMetadata gguf_model_metadata(const ModelConfig& config, const std::string& where) {
  check_pattern(config, where);
  check_scales(config, where);
  Keys keys(gguf_architecture(config.model_type));
  keys.add("block_count", count(config.num_hidden_layers));
  keys.add("context_length", count(config.max_position_embeddings));
  keys.add("embedding_length", count(config.hidden_size));
  keys.add("feed_forward_length", count(config.intermediate_size));
  keys.add("attention.head_count", count(config.num_attention_heads));
  keys.add("attention.head_count_kv", count(config.num_key_value_heads));
  keys.add("attention.key_length", count(config.head_dim));
  keys.add("attention.value_length", count(config.head_dim));
  keys.add("attention.layer_norm_rms_epsilon", static_cast<float>(config.rms_norm_eps));
  keys.add("vocab_size", count(config.vocab_size));
  add_rope(config, keys);
  add_window(config, keys);
  if (config.model_type == "gemma2") keys.add("attn_logit_softcapping", static_cast<float>(config.attn_logit_softcapping));
  if (config.final_logit_softcapping > 0) keys.add("final_logit_softcapping", static_cast<float>(config.final_logit_softcapping));
  return keys.take();
}

}  // namespace iteralign
