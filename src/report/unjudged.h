#pragma once
// Warnings about answers that could not be judged.

#include <string>
#include <vector>

#include "store/run_store.h"

namespace iteralign {

// One line for every set of answers of which most were not judged, with the most frequent reason: the rate of the rest says little.
std::vector<std::string> unjudged_warnings(RunStore& store);

}  // namespace iteralign
