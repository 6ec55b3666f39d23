#pragma once
// The real oracle of a configuration.

#include <memory>

#include "iteralign/config.h"
#include "iteralign/oracle.h"

namespace iteralign {

// A client of the configured server; for an embedded oracle with the server itself. `spent_before` counts against the budget.
std::unique_ptr<Oracle> make_oracle(const OracleConfig& config, ReplyCache& cache, const OracleUsage& spent_before);

}  // namespace iteralign
