#pragma once
// adapter_config.json of a PEFT folder.

#include <string>

#include "core/json.h"
#include "formats/lora_config.h"

namespace iteralign {

struct PeftConfig {
  LoraConfig lora;
  bool ensure_weight_tying = false;  // what is done to one of a tied embedding and lm_head is done to the other
};

// Error data names `where` and the key that is missing, of the wrong type, or changes what an adapter computes in a way that is not
// supported (DoRA, ...).
PeftConfig parse_peft_config(const Json& json, const std::string& where);

// With the keys in the order of the alphabet, as PEFT writes them. `base_model` is what the adapter belongs to: a path or a name.
Json peft_config_json(const PeftConfig& config, const std::string& base_model);

}  // namespace iteralign
