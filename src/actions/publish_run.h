#pragma once
// The readable files of a run, written from its store.

#include <optional>
#include <string>

#include "pipeline/run.h"
#include "report/run_info.h"

namespace iteralign {

// Of the state in memory, or, where none is given, of the one that the store has.
RunInfo run_info(RunStore& store, const std::optional<RunState>& state = {});
void publish_run(const std::string& folder, RunStore& store, const std::optional<RunState>& state = {});

}  // namespace iteralign
