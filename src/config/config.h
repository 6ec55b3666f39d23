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

// The same for text that resolved_yaml wrote. Limits are not checked: an older program may have had others.
Config parse_config(const std::string& yaml, const std::string& where);

// Applies overrides of "finetune" fields only (keys with or without "finetune."), for `iteralign finetune`.
void apply_finetune_overrides(FinetuneConfig& finetune, const std::vector<std::string>& overrides);

// The whole configuration as YAML that load_config reads back to the same values.
std::string resolved_yaml(const Config& config);

// "finetune.learning_rate: 0.0002 -> 0.0003": one text for each changed field with which a run cannot go on. `stored_yaml` is what
// resolved_yaml wrote when the run began. `has_replies`: the store has replies of the oracle. A stored value that is outside its limits may
// be corrected. `kept_until` is for a fork, which keeps the first iteration up to the end of this stage: fields that only later stages need
// may differ.
std::vector<std::string> config_differences(const std::string& stored_yaml, const Config& now, bool has_replies,
                                            std::optional<IterationStage> kept_until = {});

// docs/configuration.md.
std::string configuration_reference();

// A commented configuration for `iteralign init`: smollm2, lab, paper or openai. Empty when there is none of that name.
std::string config_template(const std::string& name);

}  // namespace iteralign
