#pragma once
// The real oracle of a configuration.

#include <memory>
#include <string>

#include "iteralign/config.h"
#include "iteralign/oracle.h"
#include "store/run_store.h"

namespace iteralign {

// A client of the configured server; for an embedded oracle with the server itself. `spent_before` counts against the budget.
std::unique_ptr<Oracle> make_oracle(const OracleConfig& config, ReplyCache& cache, const OracleUsage& spent_before);

// By which a calibration says whose it is: address and model.
std::string oracle_name(const OracleConfig& config);
// For people, in tables and reports: "keyword", or what answers and where.
std::string oracle_line(const OracleConfig& config);
std::string oracle_line(RunStore& run);  // of its configuration
// All on which its replies depend beside the question; a key is none of it.
std::string oracle_identity(const OracleConfig& config);

}  // namespace iteralign
