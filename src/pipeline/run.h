#pragma once
// A run: prompts once, the base model measured once, then iterations; begun or gone on with, whatever the store says.

#include <functional>
#include <memory>
#include <string>

#include "iteralign/base_model.h"
#include "iteralign/config.h"
#include "iteralign/oracle.h"
#include "pipeline/run_inputs.h"
#include "store/run_store.h"

namespace iteralign {

enum class RunStatus { running, completed, stopped, failed };
const char* name(RunStatus status);

// How a run stands, for those who show it.
struct RunState {
  std::string folder;  // runs/<name>
  RunStatus status = RunStatus::running;
  std::string model;          // BaseModel::description()
  double wall_seconds = 0.0;  // of all processes that worked on it
};

// What a run is made of; main builds the real things.
struct RunParts {
  std::function<RunInputs()> inputs;
  // `dtype`: what the run has computed in so far, so that it goes on with the same numbers; empty: as configured.
  std::function<std::unique_ptr<BaseModel>(const std::string& dtype)> model;
  std::function<std::unique_ptr<Oracle>(ReplyCache&, const OracleUsage& spent_before)> oracle;
  std::function<void(RunStore&, const RunState&)> on_change;  // called behind each stage and at the end
  std::function<bool()> should_stop;
};

std::string run_folder(const Config& config);

// Starts or resumes the run of this configuration. Error usage when another process works on it or when the configuration is not the
// one that it began with (the differences are listed); Error interrupted when should_stop said so. The state that on_change
// saw last is what is on disk.
void run(const Config& config, const RunParts& parts);

// Makes the folder of a new run of this configuration that knows the oracle replies of `from`, so that none is paid for again.
// Error usage when the new run exists already.
void fork_run(const std::string& from_folder, const Config& config);

}  // namespace iteralign
