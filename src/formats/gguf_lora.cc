#include "formats/gguf_lora.h"

#include <cmath>
#include <map>

#include "core/files.h"
#include "core/json.h"
#include "formats/adapter_names.h"
#include "formats/checkpoint.h"
#include "formats/families/family.h"
#include "formats/gguf_writer.h"
#include "formats/model_tensors.h"
#include "formats/tensor_floats.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kHint = "is this the model that the adapter was trained on?";

bool says_something(const Json& config, const char* key) {
  const auto value = config.find(key);
  return value != config.end() && !value->is_null() && !value->empty() && *value != false;
}

// What llama.cpp divides by r. rsLoRA scales by alpha / sqrt(r), which is this with one rank alone.
float gguf_alpha(const Json& config, const std::string& where) {
  const bool rslora = says_something(config, "use_rslora");
  for (const char* key : {"alpha_pattern", "use_dora", "modules_to_save"})
    if (says_something(config, key))
      throw Error(ErrorKind::data, std::string("a GGUF adapter has no place for ") + key, where, "merge it: --format gguf");
  if (rslora && says_something(config, "rank_pattern"))
    throw Error(ErrorKind::data, "a GGUF adapter has no place for rsLoRA with several ranks", where, "merge it: --format gguf");
  try {
    const double alpha = config.value("lora_alpha", 8.0);
    return static_cast<float>(rslora ? alpha * std::sqrt(config.value("r", 8.0)) : alpha);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("a key is of the wrong type: ") + error.what(), where);
  }
}

struct Factor {
  std::string gguf_name, name;
  std::size_t axis = 0;   // which of its two sizes the matrix prescribes; the other is the rank
  std::int64_t size = 0;  // so large
  std::int64_t rotated_heads = 0;
};

// The two factors of every matrix, by the names that an adapter has for them.
std::vector<Factor> possible_factors(const ModelConfig& config) {
  std::vector<Factor> factors;
  for (const ModelTensor& tensor : model_tensors(config)) {
    if (tensor.shape.size() != 2 || !tensor.name.ends_with(".weight")) continue;
    const std::string module = tensor.name.substr(0, tensor.name.size() - std::string(".weight").size());
    factors.push_back({tensor.gguf_name + ".lora_a", module + ".lora_A.weight", 1, tensor.shape[1]});
    factors.push_back({tensor.gguf_name + ".lora_b", module + ".lora_B.weight", 0, tensor.shape[0], tensor.rotated_heads});
  }
  return factors;
}

}  // namespace

void export_gguf_adapter(const std::string& model_folder, const std::string& adapter_folder, const std::string& gguf_path) {
  const Json model_config = read_json(join_path(model_folder, "config.json"));
  const ModelConfig config = parse_model_config(model_config, join_path(model_folder, "config.json"));
  const std::string config_path = join_path(adapter_folder, "adapter_config.json");
  const GgufMetadata metadata = {{"general.architecture", std::string(config.family->gguf.architecture)},
                                 {"general.type", std::string("adapter")},
                                 {"adapter.type", std::string("lora")},
                                 {"adapter.lora.alpha", gguf_alpha(read_json(config_path), config_path)}};
  const SafetensorsFile file(join_path(adapter_folder, "adapter_model.safetensors"));
  std::map<std::string, TensorView> tensors;
  for (const auto& [key, view] : file.tensors()) tensors[adapter_tensor_name(key)] = view;
  std::vector<GgufSource> sources;
  std::vector<float> values;  // of the tensor whose turn it is
  for (const Factor& factor : possible_factors(config)) {
    const auto found = tensors.find(factor.name);
    if (found == tensors.end()) continue;
    const TensorView& view = found->second;
    if (view.shape.size() != 2 || view.shape[factor.axis] != factor.size)
      throw Error(ErrorKind::data, "the tensor `" + factor.name + "` does not fit the model", file.path(), kHint);
    sources.push_back({factor.gguf_name, GgufType::f32, view.shape, [&values, &view, factor] {
                         values = to_floats(view, factor.name);
                         if (factor.rotated_heads > 0)
                           values =
                               gguf_rows(values, static_cast<std::size_t>(view.shape[0]), static_cast<std::size_t>(factor.rotated_heads));
                         return std::span<const float>(values);
                       }});
  }
  if (sources.empty() || sources.size() != file.tensors().size())
    throw Error(ErrorKind::data, "has tensors that belong to no matrix of the model", file.path(),
                "is this the model that the adapter was trained on?");
  write_gguf(gguf_path, metadata, sources);
}

}  // namespace iteralign
