#pragma once
// report.html: one file that shows a run, works offline and asks nothing from anywhere.

#include <string>

#include "report/run_info.h"
#include "store/run_store.h"

namespace iteralign {

std::string html_report(RunStore& store, const RunInfo& info);

}  // namespace iteralign
