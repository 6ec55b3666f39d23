#include "formats/lora_config.h"

#include <algorithm>
#include <cmath>

#include "core/strings.h"
#include "text/python_regex.h"

namespace iteralign {
namespace {

bool ends_in_any(const std::string& name, const std::vector<std::string>& parts) {
  return std::ranges::any_of(parts, [&](const std::string& part) { return is_last_part(name, part); });
}

bool matches(const std::string& pattern, const std::string& name) { return PythonRegex(pattern, "adapter_config.json").matches_all(name); }

// PEFT's get_pattern_key().
template <class T>
T pattern_value(const ModulePatterns<T>& patterns, const std::string& module, T otherwise) {
  for (const auto& [pattern, value] : patterns)
    if (matches("(.*\\.)?(" + pattern + ")$", module)) return value;
  return otherwise;
}

// exclude_modules, and what is below a module of modules_to_save, which is trained whole.
bool excluded(const LoraConfig& config, const std::string& module) {
  if (!config.exclude_pattern.empty() && matches(config.exclude_pattern, module)) return true;
  if (ends_in_any(module, config.exclude_modules)) return true;
  return std::ranges::any_of(config.modules_to_save,
                             [&](const std::string& name) { return matches("(^|.*\\.)" + name + "($|\\..*)", module); });
}

bool in_chosen_layer(const LoraConfig& config, const std::string& module) {
  if (!config.layers_to_transform || config.layers_to_transform->empty()) return true;
  const std::string layers = "model.layers.";
  if (!module.starts_with(layers)) return false;
  const bool named = config.layers_pattern.empty() || std::ranges::any_of(config.layers_pattern, [&](const std::string& pattern) {
                       return matches("(?:^|.*?\\.)(?:" + pattern + ")\\.\\d+\\..*", module);
                     });
  const std::int64_t layer = std::stoll(module.substr(layers.size()));
  return named && std::ranges::find(*config.layers_to_transform, layer) != config.layers_to_transform->end();
}

}  // namespace

bool is_last_part(const std::string& name, const std::string& part) { return name == part || name.ends_with("." + part); }

bool is_all_linear(const std::string& target) { return to_lower(target) == "all-linear"; }

// PEFT's check_target_module_exists().
bool lora_targets(const LoraConfig& config, const std::string& module) {
  if (excluded(config, module)) return false;
  if (is_all_linear(config.target_pattern)) return module != kEmbeddingModule && module != kLmHeadModule;
  if (!config.target_pattern.empty()) return matches(config.target_pattern, module);
  if (std::ranges::find(config.target_modules, module) != config.target_modules.end()) return true;
  return ends_in_any(module, config.target_modules) && in_chosen_layer(config, module);
}

std::int64_t lora_rank(const LoraConfig& config, const std::string& module) { return pattern_value(config.rank_pattern, module, config.r); }

double lora_scale(const LoraConfig& config, const std::string& module) {
  const auto rank = static_cast<double>(lora_rank(config, module));
  return pattern_value(config.alpha_pattern, module, config.lora_alpha) / (config.use_rslora ? std::sqrt(rank) : rank);
}

}  // namespace iteralign
