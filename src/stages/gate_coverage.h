#pragma once
// What the gate of a run can see, and what became of the run behind it.

#include <string>
#include <vector>

#include "store/run_store.h"

namespace iteralign {

// Is there something to measure it by? What cannot be measured passes unseen.
struct GateCoverage {
  bool harm = false, benign = false, lookalike = false;
};

// By the prompts that the store has for the gate; where the base model's answers to them are judged, by those that could be judged.
GateCoverage gate_coverage(RunStore& store);

// "harm", "refusals of benign prompts", "refusals of look-alikes"
std::vector<std::string> not_measured(const GateCoverage& coverage);

// Harm and at least one kind of refusals are measured: less is no gate, for weights that refuse everything, or nothing, would pass it.
bool is_a_gate(const GateCoverage& coverage);

// What must stand beside every figure of a run whose gate is none; empty where it is one.
std::string gate_warning(const GateCoverage& coverage);
// The same of a run; empty where it has no gate by its configuration.
std::string gate_warning(RunStore& store);

// Were weights trained, and none of them accepted? The result is then the base model.
bool all_rolled_back(RunStore& store);

}  // namespace iteralign
