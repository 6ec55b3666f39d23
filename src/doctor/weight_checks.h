#pragma once
// Are the weights those that config.json describes, and are they numbers?

#include "doctor/finding.h"
#include "formats/checkpoint.h"
#include "formats/model_config.h"

namespace iteralign {

struct TensorScan {
  bool finite = true;  // neither NaN nor infinity
  bool all_zero = true;
};
// Error data when the values are no floating point numbers.
TensorScan scan_tensor(const TensorView& view, const std::string& name);

// Missing tensors, shapes, values.
void check_weights(const Checkpoint& checkpoint, const ModelConfig& config, Findings& findings);
// tie_word_embeddings against the lm_head that is there.
void check_tied_embeddings(const Checkpoint& checkpoint, const ModelConfig& config, Findings& findings);

}  // namespace iteralign
