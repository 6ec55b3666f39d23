#pragma once
// Which modules have LoRA, and of what rank and scale. Reference: peft's LoraConfig.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace iteralign {

inline const std::string kEmbeddingModule = "model.embed_tokens", kLmHeadModule = "lm_head";

// Values for the modules whose last parts a regular expression (Python's) matches. The first that does counts.
template <class T>
using ModulePatterns = std::vector<std::pair<std::string, T>>;

// The part of PEFT's LoraConfig that is supported.
struct LoraConfig {
  std::int64_t r = 8;
  double lora_alpha = 8;
  double lora_dropout = 0.0;
  bool use_rslora = false;                  // scale alpha / sqrt(r) in place of alpha / r
  std::vector<std::string> target_modules;  // module names or their last parts: "q_proj"
  std::string target_pattern;               // in place of it: a regular expression for the whole name, or "all-linear"
  std::vector<std::string> exclude_modules;
  std::string exclude_pattern;                                   // as target_pattern
  std::optional<std::vector<std::int64_t>> layers_to_transform;  // of target_modules that are not whole names
  std::vector<std::string> layers_pattern;                       // what the layers are called; empty: whatever it is
  ModulePatterns<std::int64_t> rank_pattern;
  ModulePatterns<double> alpha_pattern;
  std::vector<std::string> modules_to_save;  // ends of names of modules that are trained whole
};

// Is the module (its full name) one that the configuration targets?
bool lora_targets(const LoraConfig& config, const std::string& module);
std::int64_t lora_rank(const LoraConfig& config, const std::string& module);
double lora_scale(const LoraConfig& config, const std::string& module);

// Is the name `part`, or does it end in ".part"?
bool is_last_part(const std::string& name, const std::string& part);
bool is_all_linear(const std::string& target);  // "all-linear", in capitals or not

}  // namespace iteralign
