#pragma once

#include "iteralign/base_model.h"
#include "pipeline/run_inputs.h"

namespace iteralign {

// What fits into the context of a model, by its tokenizer, template and configuration; its weights are not opened.
PromptLimit prompt_limit(const ModelOptions& options);

}  // namespace iteralign
