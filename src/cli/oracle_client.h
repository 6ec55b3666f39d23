#pragma once
// The real oracle of a configuration.

#include <memory>
#include <string>

#include "iteralign/config.h"
#include "iteralign/oracle.h"

namespace iteralign {

// A client of the configured server; for an embedded oracle with the server itself. `spent_before` counts against the budget.
std::unique_ptr<Oracle> make_oracle(const OracleConfig& config, ReplyCache& cache, const OracleUsage& spent_before);

// By which a calibration says whose it is: address and model.
std::string oracle_name(const OracleConfig& config);

}  // namespace iteralign
