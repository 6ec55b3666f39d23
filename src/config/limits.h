#pragma once
// The limits of fields.h for values that come from no configuration file: flags of the command line, a model's generation_config.json,
// callers of the engine.

#include <map>
#include <string>

#include "iteralign/config.h"

namespace iteralign {

// What is wrong with the values of a configuration, by key: "0 is out of range: above 0, at most 100".
std::map<std::string, std::string> limit_faults(const Config& config);

// Error usage for the first field outside its limits; its place is the field's name without the section: "top_p". With
// top_p 0 or min_p 1 the most likely token is left, as in transformers.
void check_limits(const ModelOptions& options);
void check_limits(const Sampling& sampling);
void check_limits(const FinetuneOptions& options);

}  // namespace iteralign
