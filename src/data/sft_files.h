#pragma once
// Files of training data in the forms that people have them, for `finetune`. dataset_formats.h writes them.

#include <string>
#include <vector>

#include "iteralign/base_model.h"

namespace iteralign {

// Reads a JSON array or JSON Lines, each record in one of: `messages`; `conversations` (ShareGPT); `prompt` and `completion` (texts or
// messages); `instruction`, `input`, `output` and optionally `system` and `history` (Alpaca): every assistant turn becomes one example.
// Or `chosen` and `rejected`, with `prompt` or as whole dialogues: one example with a rejected answer.
// Throws Error data that names file and line of a broken record.
std::vector<TrainExample> read_sft_file(const std::string& path);

}  // namespace iteralign
