#pragma once
// Model folders that cannot be read, each told by what it is: every function throws Error data or returns.

#include <map>
#include <string>

#include "core/json.h"
#include "formats/safetensors.h"

namespace iteralign {

// A folder with neither model.safetensors nor an index: what it has instead.
[[noreturn]] void no_weights(const std::string& folder);

// Quantised weights by the method that config.json (at `where`) names; by the names of the tensors where it says nothing.
void refuse_quantised(const Json& config, const std::string& where);
void refuse_quantised(const std::map<std::string, TensorView>& tensors, const std::string& folder);

// A link to a file that is not there, among those that a model is read from.
void refuse_broken_links(const std::string& folder);

}  // namespace iteralign
