#pragma once
// What report.html shows, as JSON for its script.

#include "core/json.h"
#include "report/run_info.h"
#include "store/run_store.h"

namespace iteralign {

// Keys: "summary" (as in summary.json), "written", "config", "accepted_iteration", "evaluations", "correction" (how rates are
// corrected, in words), "curve", "prompts" (by id), "iterations",
// "evaluated", "samples" (ids of held-out prompts). Texts are whole.
Json report_data(RunStore& store, const RunInfo& info);

}  // namespace iteralign
