#pragma once
// revise: the base model answers again with the constitution in context.

#include <vector>

#include "stages/stage.h"

namespace iteralign {

// Revises this iteration's negative cases: up to `revise.attempts` tries each, with other seeds, scaffolds and, from the second
// try on, a temperature. A try is kept when it passes the filters and is judged positive. Every try is in the store afterwards.
void revise(const Stage& stage, int iteration);

// The messages of a revision: principles as the system message, the scaffold's turns, the prompt.
Messages revision_messages(const PromptTexts& texts, const std::vector<Principle>& principles, const Scaffold* scaffold,
                           const Messages& prompt);

}  // namespace iteralign
