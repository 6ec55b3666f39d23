#pragma once
// The limits of fields.h, for values that no file gave: the command line's flags, a model's generation_config.json, the engine's callers.

#include <map>
#include <string>

#include "iteralign/config.h"

namespace iteralign {

// What is wrong with the values of a configuration, by key: "0 is out of range: above 0, at most 100".
std::map<std::string, std::string> limit_faults(const Config& config);

// Error usage about the first field that cannot be; its place is the field's name without the section: "top_p".
// At the ends of theirs top_p and min_p leave the most likely token, as in transformers.
void check_limits(const ModelOptions& options);
void check_limits(const Sampling& sampling);
void check_limits(const FinetuneOptions& options);

}  // namespace iteralign
