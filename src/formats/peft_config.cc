#include "formats/peft_config.h"

#include <algorithm>
#include <cmath>

#include "iteralign/error.h"
#include "text/python_regex.h"

namespace iteralign {
namespace {

// Keys that change what the adapter computes, and the values at which they do nothing.
struct Unsupported {
  const char* key;
  std::vector<Json> harmless;
};
const std::vector<Unsupported>& unsupported() {
  static const std::vector<Unsupported> all = {{"use_dora", {false}},
                                               {"layer_replication", {}},
                                               {"alora_invocation_tokens", {}},
                                               {"lora_bias", {false}},
                                               {"use_qalora", {false}},
                                               {"use_bdlora", {false}},
                                               {"target_parameters", {Json::array()}},
                                               {"trainable_token_indices", {}},
                                               {"arrow_config", {}},
                                               {"kasa_config", {}},
                                               {"monteclora_config", {}},
                                               {"velora_config", {}},
                                               {"megatron_config", {}}};
  return all;
}

void reject_unsupported(const Json& config, const std::string& where) {
  if (const std::string type = config.value("peft_type", "(none)"); type != "LORA")
    throw Error(ErrorKind::data, "adapters of the type `" + type + "` are not supported", where, "peft_type must be LORA");
  for (const auto& [key, harmless] : unsupported()) {
    if (!config.contains(key) || config[key].is_null()) continue;
    if (std::ranges::find(harmless, config[key]) != harmless.end()) continue;
    throw Error(ErrorKind::data, std::string("adapters with ") + key + " = " + dump_json(config[key]) + " are not supported", where,
                "train the adapter without it, or merge it into its model with peft");
  }
  // Any other beginning changes the base model first.
  const Json start = config.value("init_lora_weights", Json(true));
  if (start.is_string() && start != "gaussian" && start != "eva" && start != "orthogonal") {
    throw Error(ErrorKind::data, "adapters with init_lora_weights = " + dump_json(start) + " are not supported", where,
                "convert it with peft's path_initial_model_for_weight_conversion");
  }
}

// One name or a list of them; null means none.
std::vector<std::string> parse_names(const Json& config, const char* key) {
  const Json names = config.value(key, Json());
  if (names.is_string()) return {names.get<std::string>()};
  return names.is_null() ? std::vector<std::string>() : names.get<std::vector<std::string>>();
}

// A list of names, or a text that is one expression.
void parse_modules(const Json& modules, std::vector<std::string>& names, std::string& pattern) {
  if (modules.is_string())
    pattern = modules.get<std::string>();
  else if (!modules.is_null())
    names = modules.get<std::vector<std::string>>();
}

template <class T>
ModulePatterns<T> parse_patterns(const Json& config, const char* key) {
  ModulePatterns<T> patterns;
  if (!config.contains(key) || config[key].is_null()) return patterns;
  for (const auto& [pattern, value] : config[key].items()) patterns.emplace_back(pattern, value.template get<T>());
  return patterns;
}

std::optional<std::vector<std::int64_t>> parse_layers(const Json& config) {
  const Json layers = config.value("layers_to_transform", Json());
  if (layers.is_null()) return std::nullopt;
  return layers.is_array() ? layers.get<std::vector<std::int64_t>>() : std::vector<std::int64_t>{layers.get<std::int64_t>()};
}

// Compiles every expression, for what is wrong with one is then told with its key.
void check_patterns(const LoraConfig& config, const std::string& where) {
  const auto check = [&](const char* key, const std::string& pattern) { (void)PythonRegex(pattern, where + ": " + key); };
  if (!is_all_linear(config.target_pattern)) check("target_modules", config.target_pattern);
  check("exclude_modules", config.exclude_pattern);
  for (const auto& [pattern, rank] : config.rank_pattern) check("rank_pattern", pattern);
  for (const auto& [pattern, alpha] : config.alpha_pattern) check("alpha_pattern", pattern);
  for (const std::string& name : config.modules_to_save) check("modules_to_save", name);
  for (const std::string& name : config.layers_pattern) check("layers_pattern", name);
}

template <class T>
Json patterns_json(const ModulePatterns<T>& patterns) {
  Json json = Json::object();
  for (const auto& [pattern, value] : patterns) json[pattern] = value;
  return json;
}

Json names_json(const std::vector<std::string>& names, const std::string& pattern = {}) {
  return !pattern.empty() ? Json(pattern) : names.empty() ? Json() : Json(names);
}

}  // namespace

PeftConfig parse_peft_config(const Json& json, const std::string& where) {
  if (!json.is_object()) throw Error(ErrorKind::data, "is not a JSON object", where);
  PeftConfig config;
  LoraConfig& lora = config.lora;
  try {
    reject_unsupported(json, where);
    lora.r = json.value("r", std::int64_t{8});
    lora.lora_alpha = json.value("lora_alpha", 8.0);
    lora.lora_dropout = json.value("lora_dropout", 0.0);
    lora.use_rslora = json.value("use_rslora", false);
    if (json.at("target_modules").is_null()) throw Error(ErrorKind::data, "target_modules is null", where, "name the modules");
    parse_modules(json.at("target_modules"), lora.target_modules, lora.target_pattern);
    parse_modules(json.value("exclude_modules", Json()), lora.exclude_modules, lora.exclude_pattern);
    lora.layers_to_transform = parse_layers(json);
    lora.layers_pattern = parse_names(json, "layers_pattern");
    lora.rank_pattern = parse_patterns<std::int64_t>(json, "rank_pattern");
    lora.alpha_pattern = parse_patterns<double>(json, "alpha_pattern");
    lora.modules_to_save = parse_names(json, "modules_to_save");
    config.ensure_weight_tying = json.value("ensure_weight_tying", Json()) == true;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("a key is missing or of the wrong type: ") + error.what(), where);
  }
  check_patterns(lora, where);
  if (lora.r < 1) throw Error(ErrorKind::data, "r must be at least 1", where);
  return config;
}

Json peft_config_json(const PeftConfig& config, const std::string& base_model) {
  const LoraConfig& lora = config.lora;
  const auto whole = [](double x) { return std::floor(x) == x ? Json(static_cast<std::int64_t>(x)) : Json(x); };
  return {{"alpha_pattern", patterns_json(lora.alpha_pattern)},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", base_model},
          {"bias", "none"},
          {"ensure_weight_tying", config.ensure_weight_tying},
          {"exclude_modules", names_json(lora.exclude_modules, lora.exclude_pattern)},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layers_pattern", names_json(lora.layers_pattern)},
          {"layers_to_transform", lora.layers_to_transform ? Json(*lora.layers_to_transform) : Json()},
          {"lora_alpha", whole(lora.lora_alpha)},
          {"lora_dropout", lora.lora_dropout},
          {"modules_to_save", names_json(lora.modules_to_save)},
          {"peft_type", "LORA"},
          {"r", lora.r},
          {"rank_pattern", patterns_json(lora.rank_pattern)},
          {"revision", nullptr},
          {"target_modules", lora.target_pattern.empty() ? Json(lora.target_modules) : Json(lora.target_pattern)},
          {"task_type", "CAUSAL_LM"},
          {"use_dora", false},
          {"use_rslora", lora.use_rslora}};
}

}  // namespace iteralign
