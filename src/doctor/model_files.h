#pragma once
// A model folder as far as it can be read: one damaged file does not hide the faults of the others.

#include <memory>
#include <optional>
#include <string>

#include "core/json.h"
#include "doctor/finding.h"
#include "formats/checkpoint.h"
#include "formats/model_config.h"
#include "text/renderer.h"

namespace iteralign {

// What could not be read is empty.
struct ModelFiles {
  std::string folder;
  Json config_json = Json::object(), generation_config = Json::object();
  std::optional<ModelConfig> config;
  std::unique_ptr<const Renderer> renderer;  // tokenizer and chat template
  std::unique_ptr<const Checkpoint> checkpoint;

  [[nodiscard]] std::string file(const char* name) const;
};

// "`<s>` (1)"
std::string quoted(const Tokenizer& tokenizer, TokenId id);

// What cannot be read is a fault.
ModelFiles read_model_files(const std::string& folder, Findings& findings);

}  // namespace iteralign
