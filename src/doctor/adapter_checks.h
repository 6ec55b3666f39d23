#pragma once
// Whether a PEFT folder is an adapter of this model, and whether it changes anything.

#include <string>

#include "doctor/finding.h"
#include "doctor/model_files.h"

namespace iteralign {

// What adapter_config.json names as its base model. `model` is what the user called the model: a folder, or org/name.
void check_adapter_base(const std::string& adapter, const ModelFiles& files, const std::string& model, Findings& findings);
// Modules and shapes. Needs `files.config`.
void check_adapter_shapes(const std::string& adapter, const ModelFiles& files, Findings& findings);
// Rank and alpha, as PEFT reads them.
void check_adapter_scaling(const std::string& adapter, Findings& findings);
// The values.
void check_adapter_effect(const std::string& adapter, Findings& findings);

}  // namespace iteralign
