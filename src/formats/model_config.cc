#include "formats/model_config.h"

#include <algorithm>
#include <cmath>

#include "core/strings.h"
#include "formats/config_fields.h"
#include "formats/rope_config.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// What a key means when it is missing: the defaults of the configuration class of transformers.
struct FamilyDefaults {
  std::string model_type;
  std::int64_t vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads;
  std::int64_t num_key_value_heads;  // 0: num_attention_heads
  std::int64_t head_dim;             // 0: hidden_size / num_attention_heads
  std::int64_t max_position_embeddings;
  double rms_norm_eps, rope_theta;
  bool tie_word_embeddings;
  std::int64_t bos, pad;
};

const std::vector<FamilyDefaults>& families() {
  static const std::vector<FamilyDefaults> all = {
      {"llama", 32000, 4096, 11008, 32, 32, 0, 0, 2048, 1e-6, 1e4, false, 1, -1},
      {"mistral", 32000, 4096, 14336, 32, 32, 8, 0, 131072, 1e-6, 1e4, false, 1, -1},
      {"smollm3", 128256, 2048, 11008, 36, 16, 4, 0, 32768, 1e-6, 2e6, true, 128000, 128004},
      {"qwen2", 151936, 4096, 22016, 32, 32, 32, 0, 32768, 1e-6, 1e4, false, -1, -1},
      {"qwen3", 151936, 4096, 22016, 32, 32, 32, 128, 32768, 1e-6, 1e4, false, -1, -1},
      {"gemma2", 256000, 2304, 9216, 26, 8, 4, 256, 8192, 1e-6, 1e4, true, 2, 0},
      {"gemma3_text", 262208, 2304, 9216, 26, 8, 4, 256, 131072, 1e-6, 1e6, true, 2, 0},
      {"phi3", 32064, 3072, 8192, 32, 32, 0, 0, 4096, 1e-5, 1e4, false, 1, 32000},
      {"olmo2", 50304, 4096, 11008, 32, 32, 0, 0, 2048, 1e-5, 1e4, false, -1, 1},
  };
  return all;
}

const FamilyDefaults& defaults_of(const std::string& model_type, const std::string& where) {
  const auto found = std::ranges::find(families(), model_type, &FamilyDefaults::model_type);
  if (found != families().end()) return *found;
  throw Error(ErrorKind::data, "model_type \"" + model_type + "\" is not supported yet", where,
              "supported: " + join(model_families(), ", "));
}

void parse_sizes(const Fields& fields, const FamilyDefaults& defaults, ModelConfig& config) {
  const auto size = [&](const char* key, std::int64_t otherwise) {
    if (fields.contains(key) && fields.find(key) == nullptr) fields.fail(key, "is null");
    return fields.integer(key, 1).value_or(otherwise);
  };
  config.vocab_size = size("vocab_size", defaults.vocab_size);
  config.hidden_size = size("hidden_size", defaults.hidden_size);
  config.intermediate_size = size("intermediate_size", defaults.intermediate_size);
  config.num_hidden_layers = size("num_hidden_layers", defaults.num_hidden_layers);
  if (config.num_hidden_layers > 10'000)
    fields.fail("num_hidden_layers", "is " + std::to_string(config.num_hidden_layers) + ", more than 10000");
  config.max_position_embeddings = size("max_position_embeddings", defaults.max_position_embeddings);
  config.rms_norm_eps = fields.positive("rms_norm_eps").value_or(defaults.rms_norm_eps);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", defaults.tie_word_embeddings);
}

void parse_heads(const Fields& fields, const FamilyDefaults& defaults, ModelConfig& config) {
  config.num_attention_heads = fields.integer("num_attention_heads", 1).value_or(defaults.num_attention_heads);
  // Missing is not null: null is as many as there are heads.
  const std::int64_t missing = fields.contains("num_key_value_heads") ? 0 : defaults.num_key_value_heads;
  config.num_key_value_heads = fields.integer("num_key_value_heads", 1).value_or(missing == 0 ? config.num_attention_heads : missing);
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    fields.fail("num_key_value_heads", "is " + std::to_string(config.num_key_value_heads) +
                                           ", which does not divide num_attention_heads (" + std::to_string(config.num_attention_heads) +
                                           ")");
  }
  config.head_dim = fields.integer("head_dim", 1).value_or(defaults.head_dim);
  if (config.head_dim == 0 && config.hidden_size % config.num_attention_heads != 0) {
    fields.fail("num_attention_heads", "is " + std::to_string(config.num_attention_heads) + ", which does not divide hidden_size (" +
                                           std::to_string(config.hidden_size) + "), and head_dim is missing");
  }
  if (config.head_dim == 0) config.head_dim = config.hidden_size / config.num_attention_heads;
  if (config.head_dim % 2 != 0) fields.fail("head_dim", "is " + std::to_string(config.head_dim) + ", which is odd");
}

void set_conventions(ModelConfig& config) {
  const bool gemma = config.model_type.starts_with("gemma");
  config.scale_embeddings = config.norm_adds_one = gemma;
  config.norm_rounds_last = gemma || config.model_type == "olmo2";
}

void parse_activation(const Fields& fields, ModelConfig& config) {
  const bool gemma = config.model_type.starts_with("gemma");
  const std::string key = gemma ? "hidden_activation" : "hidden_act";  // Gemma's hidden_act is not used
  const std::string name = fields.text(key, gemma ? "gelu_pytorch_tanh" : "silu");
  if (name != "silu" && name != "gelu_pytorch_tanh") fields.fail(key, "is \"" + name + "\"; supported are silu and gelu_pytorch_tanh");
  config.activation = name == "silu" ? Activation::silu : Activation::gelu_tanh;
}

void parse_attention(const Fields& fields, ModelConfig& config) {
  const std::string& type = config.model_type;
  const bool gemma = type.starts_with("gemma");
  if (type != "mistral" && type != "phi3") config.attention_bias = fields.boolean("attention_bias");
  if (type == "llama" || type == "smollm3") config.mlp_bias = fields.boolean("mlp_bias");
  if (gemma && fields.boolean("use_bidirectional_attention")) fields.fail("use_bidirectional_attention", "is true, which is not supported");
  const double scaled_by = gemma ? fields.positive("query_pre_attn_scalar").value_or(256) : static_cast<double>(config.head_dim);
  config.attention_scale = 1 / std::sqrt(scaled_by);
  // Missing is not null: null is off. Gemma 3 has both keys and uses the second.
  const auto cap = [&](const char* key, double otherwise) { return fields.contains(key) ? fields.positive(key).value_or(0) : otherwise; };
  if (type == "gemma2") config.attn_logit_softcapping = cap("attn_logit_softcapping", 50);
  if (gemma) config.final_logit_softcapping = cap("final_logit_softcapping", type == "gemma2" ? 30 : 0);
}

// The windows where there is no list layer_types: which of the layers have one.
std::vector<bool> windowed_layers(const Fields& fields, const ModelConfig& config) {
  const std::string& type = config.model_type;
  const auto rule = [&](const auto& windowed) {
    std::vector<bool> layers;
    for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) layers.push_back(windowed(i));
    return layers;
  };
  if (type == "gemma2") return rule([](std::int64_t i) { return i % 2 == 0; });
  if (type == "gemma3_text") {
    const std::int64_t pattern = fields.integer("sliding_window_pattern", 1).value_or(6);
    return rule([=](std::int64_t i) { return (i + 1) % pattern != 0; });
  }
  if (type.starts_with("qwen")) {
    const std::int64_t first = fields.integer("max_window_layers", 0).value_or(28);
    return rule([=](std::int64_t i) { return i >= first; });
  }
  if (type == "smollm3") return rule([&](std::int64_t i) { return config.layers[static_cast<std::size_t>(i)].rope == kNoRope; });
  return rule([](std::int64_t) { return true; });
}

// Keys that a windowed layer sees; 0: the model has no windows.
std::int64_t window_size(const Fields& fields, const ModelConfig& config) {
  const std::string& type = config.model_type;
  if (type == "llama" || type == "olmo2") return 0;
  const bool switched = type.starts_with("qwen") || type == "smollm3";
  if (switched && !fields.boolean("use_sliding_window")) return 0;
  const bool has_default = type != "phi3" && type != "smollm3";
  return has_default && !fields.contains("sliding_window") ? 4096 : fields.integer("sliding_window", 1).value_or(0);
}

void parse_windows(const Fields& fields, ModelConfig& config) {
  const std::int64_t window = window_size(fields, config);
  if (window == 0) return;
  std::vector<bool> windowed = windowed_layers(fields, config);
  const Json* types = fields.find("layer_types");
  const bool listed = types != nullptr && config.model_type != "mistral" && config.model_type != "phi3";
  if (listed && (!types->is_array() || types->size() != config.layers.size()))
    fields.fail("layer_types", "is not a list of " + std::to_string(config.layers.size()) + " names");
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    if (listed) {
      const Json& name = (*types)[i];
      if (name != "sliding_attention" && name != "full_attention")
        fields.fail("layer_types", "has " + dump_json(name) + "; supported are \"full_attention\" and \"sliding_attention\"");
      windowed[i] = name == "sliding_attention";
    }
    if (windowed[i]) config.layers[i].window = window;
  }
}

// SmolLM3: a 0 in no_rope_layers, else every fourth layer, knows no positions.
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

void parse_layers(const Fields& fields, const FamilyDefaults& defaults, ModelConfig& config) {
  config.layers.resize(static_cast<std::size_t>(config.num_hidden_layers));
  if (config.model_type == "smollm3") parse_layers_without_rope(fields, config);
  parse_windows(fields, config);
  if (config.model_type != "gemma3_text") {
    config.ropes = {parse_rope(fields, config, defaults.rope_theta)};
    return;
  }
  config.ropes = parse_gemma3_ropes(fields, config);
  for (LayerConfig& layer : config.layers) layer.rope = layer.window > 0 ? 1 : 0;
}

void parse_tokens(const Fields& fields, const FamilyDefaults& defaults, ModelConfig& config) {
  config.bos_token_id = fields.contains("bos_token_id") ? fields.first_id("bos_token_id") : defaults.bos;
  config.pad_token_id = fields.contains("pad_token_id") ? fields.first_id("pad_token_id") : defaults.pad;
}

}  // namespace

const std::vector<std::string>& model_families() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const FamilyDefaults& family : families()) all.push_back(family.model_type);
    return all;
  }();
  return names;
}

ModelConfig parse_model_config(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  ModelConfig config;
  config.model_type = fields.text("model_type", "");
  if (config.model_type.empty()) fields.fail("model_type", "is missing");
  const FamilyDefaults& defaults = defaults_of(config.model_type, where);
  parse_sizes(fields, defaults, config);
  parse_heads(fields, defaults, config);
  set_conventions(config);
  parse_activation(fields, config);
  parse_attention(fields, config);
  parse_layers(fields, defaults, config);
  parse_tokens(fields, defaults, config);
  config.dtype = fields.text("dtype", fields.text("torch_dtype", ""));
  return config;
}

bool ties_embeddings(const Json& config) {
  const Json type = config.value("model_type", Json());
  const auto family = std::ranges::find(families(), type.is_string() ? type.get<std::string>() : "", &FamilyDefaults::model_type);
  const bool by_default = family != families().end() && family->tie_word_embeddings;
  return config.value("tie_word_embeddings", Json(by_default)) == true;
}

std::vector<std::int64_t> eos_token_ids(const Json& generation_config, const Json& config, const std::string& where) {
  if (const auto ids = Fields(generation_config, where).ids("eos_token_id")) return *ids;
  return Fields(config, where).ids("eos_token_id").value_or(std::vector<std::int64_t>{});
}

}  // namespace iteralign
