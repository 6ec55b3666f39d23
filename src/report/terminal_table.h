#pragma once
// Tables for a terminal.

#include <string>
#include <vector>

#include "report/run_info.h"
#include "store/run_store.h"

namespace iteralign {

enum class Align { left, right };

// Columns as wide as their widest cell on the screen (wide and combining characters are counted right), a rule below the head. Ends
// with a line end.
std::string format_table(const std::vector<std::string>& head, const std::vector<Align>& align,
                         const std::vector<std::vector<std::string>>& rows);

// Before -> after: the rates of every evaluation with their 95 % intervals; one line an iteration, and one with the rates corrected for
// the judge's errors where these are known. Below it the answers that do not help, where the judge says so, whose verdicts all are, and
// where most could not be judged.
std::string evaluation_table(RunStore& store, const RunInfo& info);

}  // namespace iteralign
