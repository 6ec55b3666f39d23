#pragma once
// twins: harmless near neighbours of red-team prompts. Training on the base model's own answers to them teaches the difference between harm
// and the words of harm; measuring others shows whether it was learnt.

#include <span>
#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

// How many prompts the oracle is shown at once.
constexpr int kTwinPromptsPerCall = 8;

// Asks the oracle, once a run, for twins of the red-team prompts that iterations will draw (PromptSet::replay_twin) and of a part of the
// held-out ones (PromptSet::twin). Drops twins that are near duplicates of a harmful prompt, and for replay those that are near duplicates
// of a measured one. A reply that cannot be used gives no twins.
void ask_twins(const Stage& stage);
inline constexpr const char* kTwinsAsked = "twins";  // what the store knows that by

// The source that a prompt's twins name.
std::string twin_source(const std::string& prompt_id);

// The twins in a reply, at most `per_prompt` of each shown prompt.
std::vector<Prompt> parse_twins(const OracleReply& reply, std::span<const Prompt> shown, int per_prompt);

}  // namespace iteralign
