#include "engine/preference.h"

namespace iteralign {

at::Tensor sequence_log_probabilities(const Batch& batch, const at::Tensor& row_losses) {
  const auto sequences = static_cast<std::int64_t>(batch.lengths.size());
  return at::zeros({sequences}, row_losses.options()).index_add(0, batch.sequences, row_losses.neg());
}

PreferenceLoss preference_loss(const Batch& batch, const at::Tensor& row_losses, const at::Tensor& reference, double beta, double scale) {
  const auto pairs = static_cast<std::int64_t>(batch.rejected_of.size());
  const auto examples = static_cast<std::int64_t>(batch.lengths.size()) - pairs;
  const at::Tensor chosen = at::tensor(batch.rejected_of, at::kLong).to(row_losses.device());
  const at::Tensor moved = sequence_log_probabilities(batch, row_losses) - reference;  // log p - log p0
  const at::Tensor margin = beta * (moved.index_select(0, chosen) - moved.narrow(0, examples, pairs));
  const at::Tensor pull = at::sigmoid(-margin) * (beta * scale);  // of each pair: d loss / d margin, up to its sign and beta
  const at::Tensor of_sequence = at::zeros_like(moved).index_copy(0, chosen, pull);
  of_sequence.narrow(0, examples, pairs).copy_(-pull);
  return {at::softplus(-margin).sum().to(at::kDouble) * scale, of_sequence.index_select(0, batch.sequences)};
}

}  // namespace iteralign
