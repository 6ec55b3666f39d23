#pragma once
// The real oracle of a configuration.

#include <memory>
#include <string>

#include "iteralign/config.h"
#include "iteralign/oracle.h"
#include "model/in_turn.h"
#include "store/run_store.h"

namespace iteralign {

// Error usage where the keys that name models of oracle and guard do not go together: one that nobody asks would be believed to be asked.
void check_models(const Config& config);

// A client of the configured server; for an embedded oracle it comes with the server itself; or a model on this machine, which is opened
// for its first question. What is for a guard goes to the guard model. `spent_before` counts against the budget. `turns`:
// that models on this machine take with others; null: none are to be taken. Error usage as check_models().
std::unique_ptr<Oracle> make_oracle(const Config& config, ReplyCache& cache, const OracleUsage& spent_before,
                                    const std::shared_ptr<Turns>& turns = nullptr);

// Address and model, of those on this machine folder, adapter and dtype: a calibration names its oracle by them.
std::string oracle_name(const Config& config);
// The name that tables and reports show: "keyword", model and address, or the folder's name; and the guard's.
std::string oracle_line(const Config& config);
std::string oracle_line(RunStore& run);  // of its configuration
// Everything that its replies depend on, but for the question: of models on this machine hashes of their files. No key is part of it.
std::string oracle_identity(const Config& config);

}  // namespace iteralign
