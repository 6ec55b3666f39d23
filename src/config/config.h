#pragma once
// Configuration files: YAML in, overrides, checks, the resolved copy, differences, the reference page.

#include <optional>
#include <string>
#include <vector>

#include "iteralign/config.h"
#include "iteralign/iteration_stage.h"

namespace iteralign {

// Reads a YAML file and applies overrides "key.sub=value" (values are YAML). All faults are collected into one Error usage:
// each names file and line (or the override), the key, and the nearest known key or the allowed values.
// Relative paths stay as they are: they are relative to the working directory.
Config load_config(const std::string& path, const std::vector<std::string>& overrides);

// The same from text that resolved_yaml wrote, perhaps of an older program with other limits: they are not checked.
Config parse_config(const std::string& yaml, const std::string& where);

// Applies overrides of "finetune" fields only (keys with or without "finetune."), for `iteralign finetune`.
void apply_finetune_overrides(FinetuneConfig& finetune, const std::vector<std::string>& overrides);

// The whole configuration as YAML that load_config reads back to the same values.
std::string resolved_yaml(const Config& config);

// "finetune.learning_rate: 0.0002 -> 0.0003", one a changed field that a run cannot go on with. `has_replies`: the oracle's are stored.
// `stored_yaml` is what resolved_yaml wrote when the run began. A stored value that is out of its limits may be corrected.
// `kept_until`: of the keys that nothing of the first iteration up to this stage depends on all may differ.
std::vector<std::string> config_differences(const std::string& stored_yaml, const Config& now, bool has_replies,
                                            std::optional<IterationStage> kept_until = {});

// docs/configuration.md.
std::string configuration_reference();

// A commented configuration for `iteralign init`: smollm2, lab, paper or openai. Empty when there is none of that name.
std::string config_template(const std::string& name);

}  // namespace iteralign
