#pragma once
// What a configuration names is looked up before anything is asked or paid for.

#include "iteralign/config.h"

namespace iteralign {

// Error usage or data that names the key: for prompt texts with places that nothing fills, unknown scaffolds, benchmarks that are none,
// that the oracle would have to judge, or whose files are not there, and a constitution or a calibration that is none.
void check_names(const Config& config);

}  // namespace iteralign
