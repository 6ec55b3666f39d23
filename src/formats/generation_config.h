#pragma once
// generation_config.json: how the makers of a model want it to be sampled.

#include "core/json.h"
#include "iteralign/answerer.h"

namespace iteralign {

// What transformers' generate() makes of it: greedy unless do_sample; then temperature 1 and top_k 50 where it does not say otherwise.
// Error data, naming `where` and the key, for a value of the wrong type or out of its range; a warning for keys that are not used.
Sampling parse_generation_config(const Json& json, const std::string& where);

}  // namespace iteralign
