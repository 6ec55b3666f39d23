#pragma once
// Files of training data in the forms that people have them, for `finetune`. dataset_formats.h writes them.

#include <string>
#include <vector>

#include "iteralign/learner.h"

namespace iteralign {

struct SftFile {
  std::vector<TrainExample> examples;
  std::string left_out;  // "records with `label` false: 2, answers of weight 0: 1"; empty where everything is learnt
};

// Reads a JSON array or JSON Lines, each record in one of: `messages`; `conversations` (ShareGPT); `prompt` and `completion` (texts or
// messages); `instruction`, `input`, `output` and optionally `system` and `history` (Alpaca): every assistant turn becomes one example,
// but for those with `weight` 0. Or `chosen` and `rejected`, with `prompt` or as whole dialogues: one example with a rejected answer.
// What a record has beside that and what is not learnt of it: training_record.h.
// Throws Error data that names file and line of a broken record, and for a file of which nothing is learnt.
SftFile read_sft_file(const std::string& path);

}  // namespace iteralign
