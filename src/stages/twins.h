#pragma once
// twins: harmless near neighbours of red-team prompts. Trained on with the base model's own answers they teach the difference between
// harm and its words; measured they show whether it was learnt.

#include <span>
#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

// How many prompts the oracle is shown at once.
constexpr int kTwinPromptsPerCall = 8;

// Asks the oracle for twins of the red-team prompts that iterations will draw (PromptSet::replay_twin) and of a part of those held out
// (PromptSet::twin); done once a run. A twin that is a near duplicate of a harmful prompt is dropped, and one for replay that is one of a
// prompt that is measured. A reply that cannot be used gives no twins.
void ask_twins(const Stage& stage);
inline constexpr const char* kTwinsAsked = "twins";  // what the store knows that by

// What stands as the source of a prompt's twins.
std::string twin_source(const std::string& prompt_id);

// The twins in a reply, at most `per_prompt` of each shown prompt.
std::vector<Prompt> parse_twins(const OracleReply& reply, std::span<const Prompt> shown, int per_prompt);

}  // namespace iteralign
