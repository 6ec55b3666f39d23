#pragma once
// What a configuration names is looked up before anything is asked or paid for.

#include "iteralign/config.h"

namespace iteralign {

// Error usage or data that names the key, for a prompt text with a place that nothing fills, an unknown scaffold, a benchmark that does not
// exist, needs the oracle as judge or lacks its files, and a file that is no constitution or no calibration.
void check_names(const Config& config);

}  // namespace iteralign
