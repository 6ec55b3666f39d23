#pragma once
// LoRA on a model: which modules have it, and how it starts (as PEFT does it).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/linear.h"
#include "engine/model.h"

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

bool is_all_linear(const std::string& target);  // "all-linear", in capitals or not

// The linear modules that can have LoRA: all but lm_head.
std::vector<LinearModule*> lora_modules(Model& model);
// The last parts of their names, once each: "q_proj", ...
std::vector<std::string> lora_module_names(Model& model);

// The weights that modules_to_save names: of the embedding, of lm_head where it has its own, of norms. Error usage when a name
// is the end of none of them: linear layers cannot be trained so, for each would have to leave the product that it shares.
std::vector<NamedParameter> whole_weights(Model& model, const LoraConfig& config);

// Error usage when a target names no module.
void check_targets(Model& model, const LoraConfig& config);

// A: Kaiming-uniform with a = sqrt(5), which is U(-1/sqrt(in), 1/sqrt(in)); B: zeros. A depends on seed and name alone.
// Error usage as above.
void attach_lora(Model& model, const LoraConfig& config, std::uint64_t seed);
void detach_lora(Model& model);
// Does every module have exactly the update that the configuration would attach (rank, scale, targets), and one of them any? Of
// modules_to_save it knows nothing.
bool same_lora(Model& model, const LoraConfig& config);

}  // namespace iteralign
