#include "formats/model_config.h"

#include <cmath>

#include "core/strings.h"
#include "formats/config_fields.h"
#include "formats/families/families.h"
#include "formats/rope_config.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

const Family& family_named(const std::string& model_type, const std::string& where) {
  if (const Family* family = find_family(model_type)) return *family;
  std::vector<std::string> known;
  for (const Family* family : all_families()) known.emplace_back(family->model_type);
  throw Error(ErrorKind::data, "model_type \"" + model_type + "\" is not supported yet", where, "supported: " + join(known, ", "));
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

void parse_activation(const Fields& fields, const FamilyDefaults& defaults, ModelConfig& config) {
  config.activation = defaults.activation;
  if (fields.find(defaults.activation_key) == nullptr) return;
  const std::string name = fields.text(defaults.activation_key, "");
  if (name != "silu" && name != "gelu_pytorch_tanh")
    fields.fail(defaults.activation_key, "is \"" + name + "\"; supported are silu and gelu_pytorch_tanh");
  config.activation = name == "silu" ? Activation::silu : Activation::gelu_tanh;
}

void parse_tokens(const Fields& fields, const FamilyDefaults& defaults, ModelConfig& config) {
  config.bos_token_id = fields.contains("bos_token_id") ? fields.first_id("bos_token_id") : defaults.bos;
  config.pad_token_id = fields.contains("pad_token_id") ? fields.first_id("pad_token_id") : defaults.pad;
}

}  // namespace

ModelConfig parse_model_config(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  const std::string model_type = fields.text("model_type", "");
  if (model_type.empty()) fields.fail("model_type", "is missing");
  const Family& family = family_named(model_type, where);
  ModelConfig config;
  config.family = &family;
  parse_sizes(fields, family.defaults, config);
  parse_heads(fields, family.defaults, config);
  parse_activation(fields, family.defaults, config);
  config.layers.resize(static_cast<std::size_t>(config.num_hidden_layers));
  family.parse(fields, config);
  if (config.attention_scale == 0) config.attention_scale = 1 / std::sqrt(static_cast<double>(config.head_dim));
  if (config.ropes.empty()) config.ropes = {parse_rope(fields, config)};
  parse_tokens(fields, family.defaults, config);
  config.dtype = fields.text("dtype", fields.text("torch_dtype", ""));
  return config;
}

bool ties_embeddings(const Json& config) {
  const Json type = config.value("model_type", Json());
  const Family* family = find_family(type.is_string() ? type.get<std::string>() : "");
  const bool by_default = family != nullptr && family->defaults.tie_word_embeddings;
  return config.value("tie_word_embeddings", Json(by_default)) == true;
}

std::vector<std::int64_t> eos_token_ids(const Json& generation_config, const Json& config, const std::string& where) {
  if (const auto ids = Fields(generation_config, where).ids("eos_token_id")) return *ids;
  return Fields(config, where).ids("eos_token_id").value_or(std::vector<std::int64_t>{});
}

}  // namespace iteralign
