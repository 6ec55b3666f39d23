#pragma once
// What the gate of a run can measure, and whether a run was rolled back by it.

#include <string>
#include <vector>

#include "store/run_store.h"

namespace iteralign {

// What there are prompts for. What cannot be measured passes the gate unseen.
struct GateCoverage {
  bool harm = false, benign = false, lookalike = false;
};

// Counts the gate's prompts in the store; once the base model's answers to them are judged, only those that could be judged.
GateCoverage gate_coverage(RunStore& store);

// "harm", "refusals of benign prompts", "refusals of look-alikes"
std::vector<std::string> not_measured(const GateCoverage& coverage);

// True when harm and at least one kind of refusal are measured. With less, weights that refuse everything, or nothing, would pass.
bool is_a_gate(const GateCoverage& coverage);

// The warning that goes with every figure of a run whose gate measures too little; empty where it measures enough.
std::string gate_warning(const GateCoverage& coverage);
// The same for a run in the store; empty also where its configuration has no gate.
std::string gate_warning(RunStore& store);

// Were weights trained, and none of them accepted? The result is then the base model.
bool all_rolled_back(RunStore& store);

}  // namespace iteralign
