#pragma once
// The real oracle of a configuration.

#include <memory>
#include <string>

#include "iteralign/config.h"
#include "iteralign/oracle.h"
#include "store/run_store.h"

namespace iteralign {

// A client of the configured server. For an embedded oracle it comes with the server itself. `spent_before` counts against the budget.
std::unique_ptr<Oracle> make_oracle(const OracleConfig& config, ReplyCache& cache, const OracleUsage& spent_before);

// Address and model: a calibration names its oracle by them.
std::string oracle_name(const OracleConfig& config);
// The name that tables and reports show: "keyword", or model and address.
std::string oracle_line(const OracleConfig& config);
std::string oracle_line(RunStore& run);  // of its configuration
// Everything that its replies depend on, but for the question; no key is part of it.
std::string oracle_identity(const OracleConfig& config);

}  // namespace iteralign
