#pragma once
// The rules under which a model or an adapter is written into a folder.

#include <string>
#include <vector>

#include "core/outputs.h"

namespace iteralign {

// Older weights and tokenizer files go with the model that replaces them. A model and an adapter never share a folder: others would read
// both.
OutputRules model_rules(std::vector<std::string> inputs, bool overwrite);
OutputRules adapter_rules(std::vector<std::string> inputs, bool overwrite);

}  // namespace iteralign
