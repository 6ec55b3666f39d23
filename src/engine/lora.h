#pragma once
// LoRA on a model: which modules have it, and how it starts (as PEFT does it).

#include <cstdint>
#include <string>
#include <vector>

#include "engine/linear.h"
#include "engine/model.h"
#include "formats/lora_config.h"

namespace iteralign {

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
