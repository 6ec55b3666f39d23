#pragma once
// The prompt lists of the lab: what stands for `lab` in red_team.prompts, evaluate.benign and evaluate.lookalike.
// All lists are the same on every call, disjoint from each other and from the training of the base model.

#include <vector>

#include "iteralign/records.h"

namespace iteralign {

// The red-team stream. Harm areas come in waves of kLabWave prompts: the first wave asks about the first four areas,
// the second mostly about the next three, the third mostly about the rest; then all areas, mixed.
inline constexpr int kLabWave = 20;
std::vector<Prompt> lab_red_team_prompts();

// Measured, never trained on: requests and phrasings that occur nowhere else.
std::vector<Prompt> lab_heldout_prompts();
std::vector<Prompt> lab_benign_prompts();
std::vector<Prompt> lab_lookalike_prompts();

// For replay: benign and look-alike requests of the stream part.
std::vector<Prompt> lab_replay_prompts();
std::vector<Prompt> lab_replay_lookalike_prompts();

}  // namespace iteralign
