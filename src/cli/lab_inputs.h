#pragma once
// What the word `lab` stands for in lists of prompt files.

#include "pipeline/run_inputs.h"

namespace iteralign {

RunInputs lab_inputs();

}  // namespace iteralign
