#include "doctor/adapter_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "core/files.h"
#include "core/strings.h"
#include "doctor/weight_checks.h"
#include "formats/adapter_names.h"
#include "formats/model_tensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight", kWeight = ".weight";
constexpr std::string_view kEmbeddingA = ".lora_embedding_A", kEmbeddingB = ".lora_embedding_B";  // B A is transposed

Json read_config(const std::string& adapter) {
  const std::string path = join_path(adapter, "adapter_config.json");
  Json config = read_json(path);
  if (!config.is_object()) throw Error(ErrorKind::data, "is not a JSON object", path);
  return config;
}

SafetensorsFile open_weights(const std::string& adapter) { return SafetensorsFile(join_path(adapter, "adapter_model.safetensors")); }

// The last part of a path or of org/name[@revision], in lower case.
std::string last_part(const std::string& model) {
  const std::filesystem::path path = std::filesystem::path(model.substr(0, model.find('@'))).lexically_normal();
  return to_lower((path.has_filename() ? path : path.parent_path()).filename().string());
}

bool same_weights(const Checkpoint& a, const Checkpoint& b) {
  if (a.names() != b.names()) return false;
  return std::ranges::all_of(a.names(), [&](const std::string& name) {
    const TensorView &x = a.tensor(name), &y = b.tensor(name);
    return x.dtype == y.dtype && x.shape == y.shape && std::ranges::equal(x.bytes, y.bytes);
  });
}

// The folder of a base model that is on this machine; empty: it is not.
std::string find_base(const std::string& base) {
  try {
    return resolve_model_path(base);
  } catch (const Error&) {
    return {};
  }
}

// The tensors by their names without prefix and wrappers.
std::map<std::string, TensorView> tensors_of(const SafetensorsFile& file) {
  std::map<std::string, TensorView> tensors;
  for (const auto& [key, view] : file.tensors()) {
    const std::string name = adapter_tensor_name(key);
    tensors.emplace(name.empty() ? key : name, view);
  }
  return tensors;
}

// Shapes of the weights by the name of their module, and of the biases by their own.
std::map<std::string, std::vector<std::int64_t>> modules_of(const ModelConfig& config) {
  std::map<std::string, std::vector<std::int64_t>> modules;
  for (const ModelTensor& tensor : model_tensors(config))
    modules[tensor.name.ends_with(kWeight) ? tensor.name.substr(0, tensor.name.size() - kWeight.size()) : tensor.name] = tensor.shape;
  if (config.tie_word_embeddings) modules["lm_head"] = modules["model.embed_tokens"];  // PEFT saves a tied embedding as both
  return modules;
}

// The module that a tensor of the adapter is for.
std::string module_of(std::string_view name) {
  for (const std::string_view end : {kA, kB, kEmbeddingA, kEmbeddingB, kWeight})
    if (name.ends_with(end)) return std::string(name.substr(0, name.size() - end.size()));
  return std::string(name);
}

// A [r, in], B [out, r]: only what meets the module counts here. A weight of modules_to_save has the module's shape.
bool fits(const std::string& name, const TensorView& weight, const std::vector<std::int64_t>& module) {
  if (module_of(name) + std::string(kWeight) == name || module_of(name) == name) return weight.shape == module;
  if (weight.shape.size() != 2 || module.size() != 2) return false;
  if (name.ends_with(kEmbeddingA)) return weight.shape[1] == module[0];
  if (name.ends_with(kEmbeddingB)) return weight.shape[0] == module[1];
  return name.ends_with(kA) ? weight.shape[1] == module[1] : weight.shape[0] == module[0];
}

std::vector<std::string> unknown_targets(const Json& config, const std::map<std::string, std::vector<std::int64_t>>& modules) {
  std::vector<std::string> unknown;
  const Json targets = config.value("target_modules", Json());
  if (!targets.is_array()) return unknown;  // a pattern: what it means, the weights show
  for (const Json& target : targets) {
    if (!target.is_string()) continue;
    const std::string name = target;
    const bool known = std::ranges::any_of(modules, [&](const auto& module) {
      return module.second.size() == 2 && (module.first == name || module.first.ends_with("." + name));
    });
    if (!known) unknown.push_back(name);
  }
  return unknown;
}

std::set<std::int64_t> ranks(const SafetensorsFile& file) {
  std::set<std::int64_t> found;
  for (const auto& [name, view] : tensors_of(file))
    if ((name.ends_with(kA) || name.ends_with(kEmbeddingA)) && view.shape.size() == 2) found.insert(view.shape[0]);
  return found;
}

bool has_patterns(const Json& config, const char* key) {
  const Json patterns = config.value(key, Json());
  return patterns.is_object() && !patterns.empty();
}

}  // namespace

void check_adapter_base(const std::string& adapter, const ModelFiles& files, const std::string& model, Findings& findings) {
  const Json named = read_config(adapter).value("base_model_name_or_path", Json());
  const std::string base = named.is_string() ? named : Json("");
  const std::string mend = "use the adapter with the model that it was trained on";
  if (base.empty()) {
    findings.warn("adapter_base", "adapter_config.json does not name its base model", "write base_model_name_or_path into it");
    return;
  }
  std::error_code ignored;
  if (const std::string folder = find_base(base); !folder.empty() && files.checkpoint) {
    const bool same = std::filesystem::equivalent(folder, files.folder, ignored) || same_weights(Checkpoint(folder), *files.checkpoint);
    if (same) return findings.ok("adapter_base", "the adapter was trained on these weights: " + base);
    findings.fault("adapter_base", fmt::format("the adapter is of another base: `{}` has other weights than this model", base), mend);
    return;
  }
  if (last_part(base) == last_part(model) || last_part(base) == last_part(files.config_json.value("_name_or_path", std::string())))
    return findings.ok("adapter_base", "the adapter names this model: " + base);
  findings.warn("adapter_base", fmt::format("the adapter names another base, `{}`, which is not here to compare", base), mend);
}

void check_adapter_shapes(const std::string& adapter, const ModelFiles& files, Findings& findings) {
  const SafetensorsFile file = open_weights(adapter);
  const auto modules = modules_of(*files.config);
  std::set<std::string> unknown, misfitting;  // A and B are of one module
  for (const auto& [name, view] : tensors_of(file)) {
    const auto module = modules.find(module_of(name));
    if (module == modules.end())
      unknown.insert(module_of(name));
    else if (!fits(name, view, module->second))
      misfitting.insert(module_of(name));
  }
  const std::vector<std::string> foreign(unknown.begin(), unknown.end()), misfits(misfitting.begin(), misfitting.end());
  const auto targets = unknown_targets(read_config(adapter), modules);
  const std::string mend = "use the adapter with the model that it was trained on";
  if (!foreign.empty())
    findings.fault("adapter_shapes", "the adapter is of another base: this model has no module " + enumerate(foreign), mend);
  if (!misfits.empty())
    findings.fault("adapter_shapes", "the adapter is of another base: shapes do not fit at " + enumerate(misfits), mend);
  if (!targets.empty()) findings.fault("adapter_shapes", "target_modules names no module of this model: " + enumerate(targets), mend);
  if (file.tensors().empty()) findings.fault("adapter_shapes", "the adapter has no tensors", "save it again");
  if (foreign.empty() && misfits.empty() && targets.empty() && !file.tensors().empty())
    findings.ok("adapter_shapes", fmt::format("{} tensors fit the modules of this model", file.tensors().size()));
}

void check_adapter_scaling(const std::string& adapter, Findings& findings) {
  const Json config = read_config(adapter);
  const char* check = "adapter_scaling";
  const auto number = [&](const char* key) {
    const Json value = config.value(key, Json());
    return value.is_number() ? value.get<double>() : 0.0;
  };
  const double r = number("r"), alpha = number("lora_alpha");
  const auto found = ranks(open_weights(adapter));
  if (r <= 0 || alpha <= 0) {
    findings.fault(check,
                   fmt::format("adapter_config.json has no {} above 0: PEFT takes its default or scales by 0, vLLM refuses the adapter",
                               r <= 0 ? "r" : "lora_alpha"),
                   "write the value that it was trained with into adapter_config.json");
  } else if (!has_patterns(config, "rank_pattern") && (found.size() > 1 || (!found.empty() && static_cast<double>(*found.begin()) != r))) {
    findings.fault(check,
                   fmt::format("r is {}, but the factors have rank {}: the adapter would be scaled by alpha / {}", r, *found.begin(), r),
                   "write the rank of the factors into adapter_config.json");
  } else if (config.value("use_rslora", Json()) == true) {
    findings.warn(check,
                  fmt::format("use_rslora: the scale is alpha / sqrt(r) = {:.4g}; a program that does not know it takes alpha / r = {:.4g}",
                              alpha / std::sqrt(r), alpha / r),
                  "merge the adapter before it goes to such a program");
  } else {
    findings.ok(check, fmt::format("the scale is alpha / r = {:.4g} (r {}, alpha {})", alpha / r, r, alpha));
  }
}

void check_adapter_effect(const std::string& adapter, Findings& findings) {
  const SafetensorsFile file = open_weights(adapter);
  std::vector<std::string> broken;
  bool acts = false;
  for (const auto& [name, view] : tensors_of(file)) {
    const TensorScan scan = scan_tensor(view, name);
    if (!scan.finite) broken.push_back(name);
    if (!name.ends_with(kA) && !name.ends_with(kEmbeddingB) && !scan.all_zero) acts = true;  // the other factor begins as zeros
  }
  if (!broken.empty())
    findings.fault("adapter_effect", "NaN or infinity in " + enumerate(broken), "the training diverged; take an earlier adapter");
  else if (!acts)
    findings.fault("adapter_effect", "the adapter is without effect: every lora_B is zero, as before training",
                   "train it, or save it after training");
  else
    findings.ok("adapter_effect", "the adapter changes the model");
}

}  // namespace iteralign
