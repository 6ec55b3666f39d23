#pragma once
// What a reader must know of verdicts that could not be had.

#include <string>
#include <vector>

#include "store/run_store.h"

namespace iteralign {

// A line for every set of answers of which most were not judged, with the reason that is most frequent: what a rate of the rest says is
// little.
std::vector<std::string> unjudged_warnings(RunStore& store);

}  // namespace iteralign
