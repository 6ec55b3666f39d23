#pragma once
// What a new principle does in context, before anything is trained: which harm it prevents, and which help it costs.

#include <string>
#include <vector>

#include "config/constitution_edits.h"
#include "stages/stage.h"

namespace iteralign {

// Tests the principles that this iteration discovered, each alone in context with the scaffold that revisions have, on this iteration's
// negative cases, and against the same context without it on benign prompts. Takes out of the constitution what prevents too little or
// costs too much (propose.min_harm_removed, propose.max_refusals_added) and numbers the others anew. Verdicts and what was found are kept
// in the store; does nothing when that is done already, or propose.test_effect is off.
void test_effects(const Stage& stage, int iteration, const ConstitutionEdits& edits = {});

// Of all iterations up to this one, in the order of discovery.
std::vector<PrincipleEffect> effects(RunStore& store, int up_to_iteration);

// Does the principle prevent enough, and cost little enough? The reason if not.
std::string effect_fault(const PrincipleEffect& effect, const ProposeConfig& config);

}  // namespace iteralign
