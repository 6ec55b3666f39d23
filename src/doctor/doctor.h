#pragma once
// Looks for the faults that model folders, adapters and GGUF files really have, and says how to mend them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "doctor/chat_checks.h"
#include "doctor/finding.h"
#include "iteralign/base_model.h"

namespace iteralign {

struct Patient {
  ModelOptions model;  // path, adapter, device; dtype auto is float32 here, so that rounding hides nothing
  std::string gguf;    // file, or empty
};

struct Diagnosis {
  std::vector<ExampleToken> example;  // empty when tokenizer or template could not be read
  std::vector<Finding> findings;
  [[nodiscard]] bool has_fault() const;
};

using OpenModel = std::function<std::unique_ptr<BaseModel>(const ModelOptions&)>;

// Every check is made, even after another one failed. `open` opens models; empty: only the files are looked at. Temporary folders are
// removed. Error data when there is no such model; Error interrupted.
Diagnosis examine(const Patient& patient, const OpenModel& open, const std::function<bool()>& should_stop = {});

}  // namespace iteralign
