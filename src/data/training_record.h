#pragma once
// One record of training data: the answers that are learnt from it.

#include <string>
#include <vector>

#include "core/json.h"
#include "iteralign/base_model.h"

namespace iteralign {

struct TrainingRecord {
  std::vector<TrainExample> examples;
  std::vector<std::string> left_out;  // what of it is not learnt, in words that are counted: "answers of weight 0"
};

// The forms are those of sft_files.h. Every assistant's turn is an example, as with TRL's assistant_only_loss, behind all turns before
// it. A record that calls tools or has pictures, and one that is marked as bad (label or kto_tag false, weight 0), has none.
// Throws Error data at `where` for a record in no known form, with its keys, and for one without an answer.
TrainingRecord read_training_record(const Json& record, const std::string& where);

}  // namespace iteralign
