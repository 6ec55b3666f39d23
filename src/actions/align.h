#pragma once
// A run of a configuration, with everything real.

#include <functional>

#include "iteralign/config.h"
#include "pipeline/run.h"

namespace iteralign {

// Starts or resumes the run as start_or_resume_run() does, writes its readable files whenever it changes, and then calls `on_change`.
// Throws what start_or_resume_run() throws, and Error data for a calibration that is none.
RunStatus align(const Config& config, const std::function<void(RunStore&)>& on_change);

}  // namespace iteralign
