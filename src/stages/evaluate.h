#pragma once
// evaluate: what the current weights do with prompts that are never trained on.

#include "stages/stage.h"

namespace iteralign {

// Held-out red-team prompts (negative rate), benign prompts and look-alikes (refusal rates), with Wilson intervals; unjudged ones are
// counted apart. Kept in the store under `iteration` (0: the base model); an evaluation that is there is returned as it is.
Evaluation evaluate(const Stage& stage, int iteration);

}  // namespace iteralign
