#pragma once
// The prompts of a run: read, freed of duplicates, split, ordered.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "iteralign/config.h"
#include "iteralign/records.h"

namespace iteralign {

// What fits into the model's context.
struct PromptLimit {
  std::function<std::int64_t(const Messages&)> tokens = {};  // of a prompt as the model is given it; empty: no limit
  std::int64_t context = 0;                                  // of the model, in tokens; an answer needs one of them at least
};

// A prompt that was left out of every list because the model cannot read it.
struct LongPrompt {
  std::string source;  // "file.jsonl:3"
  std::int64_t tokens = 0;
};

struct RunInputs {
  std::vector<Prompt> red_team;  // in the order of the iterations
  std::vector<Prompt> heldout, benign, lookalike, replay, replay_lookalike;
  std::vector<Prompt> validation = {}, validation_benign = {}, validation_lookalike = {}, gate = {}, gate_benign = {}, gate_lookalike = {};
  int exact_duplicates = 0, near_duplicates = 0;  // dropped from all of them
  std::vector<LongPrompt> too_long = {};          // left out
};

// An embedded world that the word `lab` stands for in lists of files.
struct EmbeddedPrompts {
  std::function<RunInputs()> lab;
};

// Reads the prompts that the configuration names. No other list has a held-out prompt, or one near to it. The prompts of the gate and of
// the choice of an epoch are taken from those that would be trained on, at most a quarter each. Error usage when a key has no files or a
// list would be empty; Error data for a broken file.
RunInputs gather_inputs(const Config& config, const EmbeddedPrompts& embedded, const PromptLimit& limit = {});

}  // namespace iteralign
