#pragma once
// The model that a run made.

#include <string>

#include "iteralign/config.h"
#include "store/run_store.h"

namespace iteralign {

struct RunModel {
  ModelOptions options;  // those of the run's configuration, with the weights that it ended with
  int iteration = 0;     // whose they are
};

// Error usage when the run in this folder has none yet, Error gate when every iteration was rolled back.
RunModel run_model(const std::string& folder, RunStore& store, const Config& config);

}  // namespace iteralign
