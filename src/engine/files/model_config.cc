#include "engine/files/model_config.h"

#include <algorithm>
#include <optional>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// config.json with typed access; every message names the file and the key.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) throw Error(ErrorKind::data, "is not a JSON object", where_);
  }

  // The value, or nullptr when the key is missing or null.
  [[nodiscard]] const Json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(ErrorKind::data, key + " " + what, where_, "correct " + key);
  }

  // A whole number of at least `minimum`.
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& key, std::int64_t minimum) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_integer() || value->get<std::int64_t>() < minimum || value->get<std::int64_t>() > INT32_MAX) {
      fail(key, "is " + dump_json(*value) + ", not a whole number of at least " + std::to_string(minimum));
    }
    return value->get<std::int64_t>();
  }
  [[nodiscard]] std::int64_t size(const std::string& key) const {
    const auto value = integer(key, 1);
    if (!value) fail(key, "is missing");
    return *value;
  }
  [[nodiscard]] std::optional<double> positive(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !(value->get<double>() > 0)) fail(key, "is " + dump_json(*value) + ", not a positive number");
    return value->get<double>();
  }
  [[nodiscard]] bool boolean(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) fail(key, "is " + dump_json(*value) + ", not true or false");
    return value->get<bool>();
  }
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) fail(key, "is " + dump_json(*value) + ", not a string");
    return value->get<std::string>();
  }
  // One id or a list of ids.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> ids(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    std::vector<std::int64_t> ids;
    for (const auto& id : value->is_array() ? *value : Json::array({*value})) {
      if (!id.is_number_integer()) fail(key, "is " + dump_json(*value) + ", not a token id or a list of them");
      ids.push_back(id.get<std::int64_t>());
    }
    return ids;
  }
  [[nodiscard]] std::int64_t first_id(const std::string& key) const {
    const auto all = ids(key);
    return !all || all->empty() ? -1 : all->front();
  }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  const Json& object_;
  std::string where_;
};

// transformers 4: rope_theta and rope_scaling (null, or an object with its "type" or "rope_type");
// transformers 5: one object rope_parameters with everything.
void parse_rope(const Fields& fields, ModelConfig& config) {
  const bool version_5 = fields.find("rope_parameters") != nullptr;
  const std::string key = version_5 ? "rope_parameters" : "rope_scaling";
  if (const auto theta = fields.positive("rope_theta")) config.rope_theta = *theta;
  const Json* object = fields.find(key);
  if (object == nullptr) return;
  const Fields rope(*object, fields.where() + ": " + key);
  if (const auto theta = rope.positive("rope_theta")) config.rope_theta = *theta;
  if (const auto partial = rope.positive("partial_rotary_factor"); partial.value_or(1.0) != 1.0) {
    rope.fail("partial_rotary_factor", "is not 1, which is not supported");
  }
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  if (type == "default") return;
  if (type != "linear" && type != "llama3") rope.fail("rope_type", "is \"" + type + "\"; supported are default, linear and llama3");
  config.rope_scaling = type == "linear" ? RopeScaling::linear : RopeScaling::llama3;
  const auto required = [&](const char* name) {
    const auto value = rope.positive(name);
    if (!value) rope.fail(name, "is missing");
    return *value;
  };
  config.rope_factor = required("factor");
  if (type == "linear") return;
  config.rope_low_freq_factor = required("low_freq_factor");
  config.rope_high_freq_factor = required("high_freq_factor");
  config.rope_original_max_position_embeddings = rope.size("original_max_position_embeddings");
  if (config.rope_high_freq_factor <= config.rope_low_freq_factor) rope.fail("high_freq_factor", "is not above low_freq_factor");
}

void parse_heads(const Fields& fields, ModelConfig& config) {
  config.num_attention_heads = fields.size("num_attention_heads");
  config.num_key_value_heads = fields.integer("num_key_value_heads", 1).value_or(config.num_attention_heads);
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    fields.fail("num_key_value_heads", "is " + std::to_string(config.num_key_value_heads) +
                                           ", which does not divide num_attention_heads (" + std::to_string(config.num_attention_heads) +
                                           ")");
  }
  const auto head_dim = fields.integer("head_dim", 1);
  if (!head_dim && config.model_type != "qwen3" && config.hidden_size % config.num_attention_heads != 0) {
    fields.fail("num_attention_heads", "is " + std::to_string(config.num_attention_heads) + ", which does not divide hidden_size (" +
                                           std::to_string(config.hidden_size) + "), and head_dim is missing");
  }
  config.head_dim = head_dim.value_or(config.model_type == "qwen3" ? 128 : config.hidden_size / config.num_attention_heads);
  if (config.head_dim % 2 != 0) fields.fail("head_dim", "is " + std::to_string(config.head_dim) + ", which is odd");
}

}  // namespace

const std::vector<std::string>& model_families() {
  static const std::vector<std::string> families = {"llama", "mistral", "qwen2", "qwen3"};
  return families;
}

ModelConfig parse_model_config(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  ModelConfig config;
  config.model_type = fields.text("model_type", "");
  if (config.model_type.empty()) fields.fail("model_type", "is missing");
  if (std::ranges::find(model_families(), config.model_type) == model_families().end()) {
    throw Error(ErrorKind::data, "model_type \"" + config.model_type + "\" is not supported yet", where,
                "supported: " + join(model_families(), ", "));
  }
  if (const auto act = fields.text("hidden_act", "silu"); act != "silu") fields.fail("hidden_act", "is \"" + act + "\"; supported is silu");
  config.vocab_size = fields.size("vocab_size");
  config.hidden_size = fields.size("hidden_size");
  config.intermediate_size = fields.size("intermediate_size");
  config.num_hidden_layers = fields.size("num_hidden_layers");
  if (config.num_hidden_layers > 10'000)
    fields.fail("num_hidden_layers", "is " + std::to_string(config.num_hidden_layers) + ", more than 10000");
  parse_heads(fields, config);
  const bool mistral = config.model_type == "mistral", qwen = config.model_type.starts_with("qwen");
  config.max_position_embeddings = fields.integer("max_position_embeddings", 1).value_or(mistral ? 4096 * 32 : qwen ? 32768 : 2048);
  config.rms_norm_eps = fields.positive("rms_norm_eps").value_or(1e-6);
  parse_rope(fields, config);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings");
  if (mistral) {
    // Absent is not null: MistralConfig's default is 4096.
    config.sliding_window = json.contains("sliding_window") ? fields.integer("sliding_window", 1).value_or(0) : 4096;
  } else {
    config.attention_bias = fields.boolean("attention_bias");
    config.mlp_bias = !qwen && fields.boolean("mlp_bias");
  }
  if (qwen && fields.boolean("use_sliding_window")) fields.fail("use_sliding_window", "is true, which is not supported");
  config.dtype = fields.text("dtype", fields.text("torch_dtype", ""));
  config.bos_token_id = json.contains("bos_token_id") || qwen ? fields.first_id("bos_token_id") : 1;
  config.pad_token_id = fields.first_id("pad_token_id");
  config.eos_token_ids = fields.ids("eos_token_id").value_or(std::vector<std::int64_t>{});
  if (!json.contains("eos_token_id") && !qwen) config.eos_token_ids = {2};
  return config;
}

std::vector<std::int64_t> eos_token_ids(const Json& generation_config, const Json& config, const std::string& where) {
  if (const auto ids = Fields(generation_config, where).ids("eos_token_id")) return *ids;
  return Fields(config, where).ids("eos_token_id").value_or(std::vector<std::int64_t>{});
}

}  // namespace iteralign
