#pragma once
// How far the verdicts of a configuration's oracle can be trusted.

#include "iteralign/config.h"
#include "stages/calibrate.h"

namespace iteralign {

// calibrate() with the real oracle. Its replies are kept in runs_dir/judge-calibration.db: asked again, they cost nothing.
Calibration calibrate_judge(const Config& config, const LabelledAnswers& answers, int repeats);

}  // namespace iteralign
