#pragma once
// What a run's prompts look like, before anything is asked: a file that is read in another way than it was meant is seen at once.

#include <string>
#include <utility>
#include <vector>

#include "pipeline/run_inputs.h"

namespace iteralign {

// The first three prompts of each kind that has some: "red-team", "benign", "look-alike".
std::vector<std::pair<std::string, std::vector<Prompt>>> preview(const RunInputs& inputs);

// One line: source, category and text in quotes, shortened, with everything escaped that a terminal would obey.
std::string preview_line(const Prompt& prompt);

// "prompt.jsonl:3 has 4000 tokens", of the first few; "" without any.
std::string long_prompts_text(const RunInputs& inputs);

}  // namespace iteralign
