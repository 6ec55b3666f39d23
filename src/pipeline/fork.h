#pragma once
// A new run that begins with what another one has.

#include <optional>
#include <string>

#include "iteralign/config.h"
#include "iteralign/iteration_stage.h"

namespace iteralign {

// Up to where a fork keeps the records of the run that it is forked from.
struct ForkPoint {
  IterationStage after = IterationStage::respond;
  int iteration = 0;  // 0: the last that was begun
};

// Makes the folder of a new run of this configuration that knows the oracle's replies of `from`, so that none is paid for again.
// With a point it has the records and weights up to the end of that stage too, and goes on behind it: to what a run of this
// configuration comes to from its beginning. The folder is there whole or not at all.
// Error usage when the new run exists already, or its folder holds something; when `from` has not come so far; when keys differ that what
// is kept depends on, which are listed.
void fork_run(const std::string& from_folder, const Config& config, const std::optional<ForkPoint>& point = {});

}  // namespace iteralign
