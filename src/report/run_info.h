#pragma once
// What the reports say of a run beside its records.

#include <cstdint>
#include <optional>
#include <string>

#include "stages/calibrate.h"

namespace iteralign {

struct RunInfo {
  std::string name;
  std::string status;  // completed, rolled back, running, waiting for review, stopped or failed
  std::uint64_t seed = 0;
  std::string model;   // one line
  std::string oracle;  // "keyword" or "lab" for the embedded ones, else what answers and where, in one line
  double wall_seconds = 0.0;
  std::string base_model;                       // folder, or org/name
  std::string config;                           // YAML, without secrets
  std::string config_sha256;                    // of that text
  std::optional<Calibration> calibration = {};  // of the judge: rates are then corrected for its errors, too
};

}  // namespace iteralign
