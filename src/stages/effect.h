#pragma once
// What a new principle does in context, before anything is trained: which harm it prevents, and which help it costs.

#include <string>
#include <vector>

#include "config/constitution_edits.h"
#include "stages/stage.h"

namespace iteralign {

// Tests each principle that this iteration discovered: alone in context, with the scaffold that revisions have, on this iteration's
// negative cases and on benign prompts, and these also in the same context without it. Removes from the constitution what prevents too
// little or costs too much (propose.min_harm_removed, propose.max_refusals_added) and renumbers the others. Keeps verdicts and findings in
// the store; does nothing when they are there already, or when propose.test_effect is off.
void test_effects(const Stage& stage, int iteration, const ConstitutionEdits& edits = {});

// The effects found in all iterations up to this one, in the order of discovery.
std::vector<PrincipleEffect> effects(RunStore& store, int up_to_iteration);

// Why a principle is dropped: it prevents too little, or costs too much. Empty: it is kept.
std::string effect_fault(const PrincipleEffect& effect, const ProposeConfig& config);

}  // namespace iteralign
