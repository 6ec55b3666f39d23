#pragma once
// Direct preference optimisation (Rafailov et al. 2023): for each pair
//   -log sigmoid(beta * ((log p(chosen) - log p0(chosen)) - (log p(rejected) - log p0(rejected))))
// where p0 are the weights that the training begins with.

#include <ATen/ATen.h>

#include "engine/collator.h"

namespace iteralign {

struct PreferenceLoss {
  at::Tensor loss;         // summed over the pairs, times scale: [] fp64
  at::Tensor row_weights;  // [m] fp32: d loss / d (cross-entropy of the row)
};

// row_losses: cross-entropy of each row of the batch, [m] fp32. reference: log p0 of each sequence, in the order of the batch.
PreferenceLoss preference_loss(const Batch& batch, const at::Tensor& row_losses, const at::Tensor& reference, double beta, double scale);

// log p of each sequence's answer, [sequences] fp32.
at::Tensor sequence_log_probabilities(const Batch& batch, const at::Tensor& row_losses);

}  // namespace iteralign
