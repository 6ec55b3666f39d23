#pragma once
// One record of training data: the answers that are learnt from it.

#include <string>
#include <vector>

#include "core/json.h"
#include "iteralign/learner.h"

namespace iteralign {

struct TrainingRecord {
  std::vector<TrainExample> examples;
  std::vector<std::string> left_out;  // what of it is not learnt, in words that are counted: "answers of weight 0"
};

// Forms: sft_files.h. Every turn of the assistant is an example, with all turns before it as its prompt, as with TRL's assistant_only_loss.
// Records that call tools, have pictures, or are marked as bad (label or kto_tag false, weight 0) have no example.
// Throws Error data at `where` for a record in no known form, with its keys, and for one without an answer.
TrainingRecord read_training_record(const Json& record, const std::string& where);

}  // namespace iteralign
