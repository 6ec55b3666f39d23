#pragma once
// Which model lies at a path: the same name may hold other weights tomorrow.

#include <string>

namespace iteralign {

// A hash of the content of what a model or adapter folder is opened from: weights, configuration, tokenizer, template. Other files of the
// folder do not count. Empty where there is no folder.
std::string model_fingerprint(const std::string& folder);

}  // namespace iteralign
