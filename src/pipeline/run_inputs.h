#pragma once
// The prompts of a run: read, freed of duplicates, split, ordered.

#include <functional>
#include <string>
#include <vector>

#include "iteralign/config.h"
#include "iteralign/records.h"

namespace iteralign {

struct RunInputs {
  std::vector<Prompt> red_team;  // in the order of the iterations
  std::vector<Prompt> heldout, benign, lookalike, replay, replay_lookalike;
  int exact_duplicates = 0, near_duplicates = 0;  // dropped from all of them
};

// An embedded world that the word `lab` stands for in lists of files.
struct EmbeddedPrompts {
  std::function<RunInputs()> lab;
};

// Reads what the configuration names. A held-out prompt, and one near to it, is never in another list.
// Error usage when a key has no files or a list would be empty; Error data for a broken file.
RunInputs gather_inputs(const Config& config, const EmbeddedPrompts& embedded);

}  // namespace iteralign
