#pragma once
// Which error rates correct the rates that a run reports.

#include <optional>

#include "iteralign/config.h"
#include "stages/calibrate.h"

namespace iteralign {

// Those of the file that judge.calibration names; without one those that an embedded oracle comes with, where it judges as it was measured.
// Nothing for `none`. Error data for a file that is no calibration.
std::optional<Calibration> judge_errors(const Config& config);

}  // namespace iteralign
