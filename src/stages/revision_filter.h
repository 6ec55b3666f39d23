#pragma once
// Faults that rule out a revision, whatever its verdict.

#include <string>

#include "asking/prompt_texts.h"
#include "iteralign/records.h"

namespace iteralign {

// Why a revision is not trained on: "length" (fewer than min_words words), "degenerate" (also where a tenth of it is said twice),
// "echo" (it repeats its prompt), "leak" (it says what only the scaffold's examples say, or repeats the principles); empty when
// nothing is wrong.
std::string revision_fault(const std::string& revision, const std::string& prompt, const Scaffold* scaffold,
                           const std::vector<std::string>& principles, int min_words);

// A text that was cut by the length limit, shortened to its last whole sentence; empty when there is none.
std::string whole_sentences(const std::string& text);

}  // namespace iteralign
