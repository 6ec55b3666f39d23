#pragma once
// YAML as JSON, for fields whose value is handed on to others.

#include "config/yaml.h"
#include "core/json.h"

namespace iteralign {

// Plain scalars become null, booleans and numbers where they look so (YAML 1.2's core schema), quoted ones stay text.
Json yaml_to_json(const YamlValue& value);

}  // namespace iteralign
