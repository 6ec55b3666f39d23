#pragma once
// Files of training data: ours to read by others (TRL, axolotl, LLaMA-Factory), and theirs for `finetune`.

#include <string>
#include <vector>

#include "iteralign/base_model.h"
#include "iteralign/records.h"

namespace iteralign {

// JSON Lines {"messages": [...], "iteration", "kind", "prompt_id", "complete"}; the last message is the completion. Other tools ignore the
// extra keys.
void write_sft_file(const std::string& path, const std::vector<SftPair>& pairs);

// JSON Lines in TRL's preference form {"prompt": messages, "chosen": [answer], "rejected": [answer]} of the pairs that have a rejected
// answer; returns how many.
int write_preference_file(const std::string& path, const std::vector<SftPair>& pairs);

// Reads a JSON array or JSON Lines, each record in one of: `messages`; `conversations` (ShareGPT); `prompt` and `completion` (texts or
// messages); `instruction`, `input`, `output` and optionally `system` and `history` (Alpaca): every assistant turn becomes one example.
// Or `chosen` and `rejected`, with `prompt` or as whole dialogues: one example with a rejected answer.
// Throws Error data that names file and line of a broken record.
std::vector<TrainExample> read_sft_file(const std::string& path);

}  // namespace iteralign
