#include "engine/peft.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <regex>

#include "core/files.h"
#include "core/json.h"
#include "engine/files/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kPrefix = "base_model.model.";
constexpr const char *kEmbedding = "model.embed_tokens.weight", *kLmHead = "lm_head.weight";

// Keys of adapter_config.json that change what the adapter computes, and the values at which they do nothing.
struct Unsupported {
  const char* key;
  std::vector<Json> harmless;
};
const std::vector<Unsupported>& unsupported() {
  static const std::vector<Unsupported> all = {
      {"use_dora", {false}},       {"bias", {"none"}},     {"layer_replication", {}},       {"alora_invocation_tokens", {}},
      {"fan_in_fan_out", {false}}, {"lora_bias", {false}}, {"trainable_token_indices", {}}, {"target_parameters", {Json::array()}},
      {"use_qalora", {false}}};
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
  // These start from a changed base model.
  const Json start = config.value("init_lora_weights", Json(true));
  if (start.is_string() && (start == "olora" || start == "loftq" || start == "corda" || start.get<std::string>().starts_with("pissa"))) {
    throw Error(ErrorKind::data, "adapters with init_lora_weights = " + dump_json(start) + " are not supported", where,
                "convert it with peft's path_initial_model_for_weight_conversion");
  }
}

// Null means none.
std::vector<std::string> parse_names(const Json& config, const char* key) {
  const Json names = config.value(key, Json());
  return names.is_null() ? std::vector<std::string>() : names.get<std::vector<std::string>>();
}

template <class T>
std::map<std::string, T> parse_pattern(const Json& config, const char* key) {
  std::map<std::string, T> patterns;
  if (!config.contains(key) || config[key].is_null()) return patterns;
  for (const auto& [pattern, value] : config[key].items()) patterns[pattern] = value.template get<T>();
  return patterns;
}

void check_patterns(const LoraConfig& config) {
  const std::regex target(config.target_pattern);
  for (const auto& [pattern, rank] : config.rank_pattern) const std::regex compiled(pattern);
  for (const auto& [pattern, alpha] : config.alpha_pattern) const std::regex compiled(pattern);
}

LoraConfig parse_config(const Json& json, const std::string& where) {
  reject_unsupported(json, where);
  LoraConfig config;
  try {
    config.r = json.value("r", std::int64_t{8});
    config.lora_alpha = json.value("lora_alpha", 8.0);
    config.lora_dropout = json.value("lora_dropout", 0.0);
    config.use_rslora = json.value("use_rslora", false);
    const Json& targets = json.at("target_modules");
    if (targets.is_string()) {
      config.target_pattern = targets.get<std::string>();
    } else {
      config.target_modules = targets.get<std::vector<std::string>>();
    }
    config.rank_pattern = parse_pattern<std::int64_t>(json, "rank_pattern");
    config.alpha_pattern = parse_pattern<double>(json, "alpha_pattern");
    config.modules_to_save = parse_names(json, "modules_to_save");
    if (config.target_pattern != "all-linear") check_patterns(config);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("a key is missing or of the wrong type: ") + error.what(), where);
  } catch (const std::regex_error& error) {
    throw Error(ErrorKind::data, std::string("a pattern is not a regular expression: ") + error.what(), where);
  }
  if (config.r < 1) throw Error(ErrorKind::data, "r must be at least 1", where);
  return config;
}

at::Tensor read_tensor(const SafetensorsFile& file, const std::string& name, const std::vector<std::int64_t>& shape) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end())
    throw Error(ErrorKind::data, "the tensor `" + name + "` is missing", file.path(),
                "adapter_config.json names a module that has no weights");
  const TensorView& view = found->second;
  static const std::map<DType, at::ScalarType> types = {{DType::f32, at::kFloat}, {DType::f16, at::kHalf}, {DType::bf16, at::kBFloat16}};
  if (view.shape != shape || !types.contains(view.dtype)) {
    throw Error(ErrorKind::data, fmt::format("the tensor `{}` does not fit: wanted are {} numbers", name, fmt::join(shape, " x ")),
                file.path(), "is this the model that the adapter was trained on?");
  }
  at::Tensor tensor = at::empty(shape, types.at(view.dtype));
  std::memcpy(tensor.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor.to(at::kFloat);
}

std::shared_ptr<Lora> read_lora(const SafetensorsFile& file, const LoraConfig& config, const LinearModule& module) {
  const std::string name = kPrefix + module.name;
  const std::int64_t rank = lora_rank(config, module.name);
  const at::Tensor a = read_tensor(file, name + ".lora_A.weight", {rank, module.weight.size(1)});
  const at::Tensor b = read_tensor(file, name + ".lora_B.weight", {module.weight.size(0), rank});
  const at::Device device = module.weight.device();
  return std::make_shared<Lora>(Lora{a.to(device), b.to(device), lora_scale(config, module.name), config.lora_dropout});
}

// Does the adapter hold an embedding that is lm_head too? PEFT unties the two unless it is told not to, and saves both.
bool holds_tied_embedding(Model& model, const LoraConfig& config) {
  return model.config().tie_word_embeddings &&
         std::ranges::any_of(whole_weights(model, config), [](const NamedParameter& weight) { return weight.name == kEmbedding; });
}

// Of the weights that the adapter has whole, beside whole_weights().
std::vector<at::Tensor> read_whole(const SafetensorsFile& file, Model& model, const LoraConfig& config) {
  std::vector<at::Tensor> values;
  for (const NamedParameter& weight : whole_weights(model, config)) {
    values.push_back(read_tensor(file, kPrefix + weight.name, weight.value->sizes().vec()).to(weight.value->device()));
    if (weight.name != kEmbedding || !holds_tied_embedding(model, config)) continue;
    if (!at::equal(read_tensor(file, std::string(kPrefix) + kLmHead, values.back().sizes().vec()), values.back().cpu()))
      throw Error(ErrorKind::data, "lm_head differs from the embedding, which are one in this model", file.path());
  }
  return values;
}

// Keys in the order of the alphabet, as PEFT writes them.
Json config_json(const LoraConfig& config, const std::string& base_model, bool tied_embedding) {
  const auto whole = [](double x) { return std::floor(x) == x ? Json(static_cast<std::int64_t>(x)) : Json(x); };
  return {{"alpha_pattern", config.alpha_pattern},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path", base_model},
          {"bias", "none"},
          {"ensure_weight_tying", tied_embedding},
          {"exclude_modules", nullptr},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layers_pattern", nullptr},
          {"layers_to_transform", nullptr},
          {"lora_alpha", whole(config.lora_alpha)},
          {"lora_dropout", config.lora_dropout},
          {"modules_to_save", config.modules_to_save.empty() ? Json() : Json(config.modules_to_save)},
          {"peft_type", "LORA"},
          {"r", config.r},
          {"rank_pattern", config.rank_pattern},
          {"revision", nullptr},
          {"target_modules", config.target_pattern.empty() ? Json(config.target_modules) : Json(config.target_pattern)},
          {"task_type", "CAUSAL_LM"},
          {"use_dora", false},
          {"use_rslora", config.use_rslora}};
}

}  // namespace

void write_peft(const std::string& folder, Model& model, const LoraConfig& config, const std::string& base_model) {
  std::vector<TensorSource> tensors;
  at::Tensor scratch;  // the bytes of the tensor whose turn it is
  const auto add = [&](const std::string& name, const at::Tensor& value) {
    tensors.push_back({name, DType::f32, value.sizes().vec(), [&scratch, value] {
                         scratch = value.detach().cpu().contiguous();
                         return std::span(static_cast<const std::byte*>(scratch.const_data_ptr()), scratch.nbytes());
                       }});
  };
  for (const LinearModule* module : lora_modules(model)) {
    if (!module->lora) continue;
    add(kPrefix + module->name + ".lora_A.weight", module->lora->a);
    add(kPrefix + module->name + ".lora_B.weight", module->lora->b);
  }
  for (const NamedParameter& weight : whole_weights(model, config)) add(kPrefix + weight.name, *weight.value);
  if (holds_tied_embedding(model, config)) add(std::string(kPrefix) + kLmHead, model.lm_head().modules()[0].weight);
  write_safetensors(join_path(folder, kWeightsFile), tensors);
  write_file_atomic(join_path(folder, kConfigFile),
                    dump_json_pretty(config_json(config, base_model, holds_tied_embedding(model, config))) + "\n");
}

PeftAdapter read_peft(const std::string& folder, Model& model) {
  const std::string config_path = join_path(folder, kConfigFile), weights_path = join_path(folder, kWeightsFile);
  const Json json = read_json(config_path);
  PeftAdapter adapter{parse_config(json, config_path)};
  if (!exists(weights_path) && exists(join_path(folder, "adapter_model.bin")))
    throw Error(ErrorKind::data, "the adapter is a pickle file, which is not read", folder, "save it with safe_serialization=True");
  const SafetensorsFile file(weights_path);

  std::size_t used = 0;
  for (const LinearModule* module : lora_modules(model)) {
    // Which of the targets have weights (layers_to_transform, exclude_modules) the file itself says.
    const bool partial = !json.value("layers_to_transform", Json()).is_null() || !json.value("exclude_modules", Json()).is_null();
    const bool there = file.tensors().contains(kPrefix + module->name + ".lora_A.weight");
    const bool wanted = lora_targets(adapter.config, module->name) && (there || !partial);
    adapter.loras.push_back(wanted ? read_lora(file, adapter.config, *module) : nullptr);
    if (wanted) used += 2;
  }
  try {
    if (holds_tied_embedding(model, adapter.config)) {
      if (json.value("ensure_weight_tying", Json()) != true)
        throw Error(ErrorKind::data, "the adapter unties lm_head from the embedding", config_path,
                    "train it with ensure_weight_tying=True");
      ++used;  // saved as lm_head too
    }
    adapter.whole = read_whole(file, model, adapter.config);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::data) throw;
    throw Error(ErrorKind::data, error.what(), config_path);
  }
  used += adapter.whole.size();
  if (used == 0 || used != file.tensors().size()) {
    throw Error(ErrorKind::data,
                "the file has " + std::to_string(file.tensors().size()) + " tensors, of which " + std::to_string(used) +
                    " belong to modules that target_modules and modules_to_save name",
                weights_path, "embeddings and lm_head with LoRA are not supported");
  }
  return adapter;
}

void attach(Model& model, const PeftAdapter& adapter) {
  const std::vector<LinearModule*> modules = lora_modules(model);
  for (std::size_t i = 0; i < modules.size(); ++i) modules[i]->lora = adapter.loras[i];
  const std::vector<NamedParameter> weights = whole_weights(model, adapter.config);
  for (std::size_t i = 0; i < weights.size(); ++i) *weights[i].value = adapter.whole[i];
  model.weights_changed();
}

bool is_peft_folder(const std::string& folder) { return exists(join_path(folder, kConfigFile)); }

}  // namespace iteralign
