#pragma once
// The prompts of a run as its configuration names them: files, or the lab.

#include "iteralign/config.h"
#include "pipeline/run_inputs.h"

namespace iteralign {

// Those of the embedded world.
RunInputs lab_inputs();

// gather_inputs() with the lab's prompts behind the word `lab`; what is too long for the model's context is left out, by its tokenizer,
// template and configuration. Its weights are not opened.
RunInputs run_prompts(const Config& config);

}  // namespace iteralign
