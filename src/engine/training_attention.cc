#include "engine/training_attention.h"

namespace iteralign {
namespace {

at::Tensor restart_positions(std::int64_t prefix, const std::vector<std::int64_t>& lengths, at::Device device) {
  std::vector<at::Tensor> parts = {at::arange(prefix, at::kLong)};
  for (const std::int64_t length : lengths) parts.push_back(at::arange(prefix, prefix + length, at::kLong));
  return at::cat(parts).to(device);
}

}  // namespace

PackedAttention::PackedAttention(const Backend& backend, std::int64_t prefix, std::vector<std::int64_t> lengths)
    : operators_(backend.operators),
      prefix_(prefix),
      own_lengths_(std::move(lengths)),
      positions_(restart_positions(prefix, own_lengths_, backend.device)) {
  for (const std::int64_t length : own_lengths_) lengths_.push_back(prefix + length);
}

at::Tensor PackedAttention::lengths() const {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(prefix_), lengths_.front());
  for (std::size_t i = 0; i < lengths_.size(); ++i) rows.insert(rows.end(), static_cast<std::size_t>(own_lengths_[i]), lengths_[i]);
  return at::tensor(rows, at::kLong).to(positions_.device());
}

at::Tensor PackedAttention::attend(int /*layer*/, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionRule& rule) {
  return take_back(operators_->causal_attention(lay_out(q), lay_out(k), lay_out(v), lengths_, rule));
}

at::Tensor PackedAttention::lay_out(const at::Tensor& rows) const {
  if (prefix_ == 0) return rows;
  std::vector<std::int64_t> sizes = {prefix_};
  sizes.insert(sizes.end(), own_lengths_.begin(), own_lengths_.end());
  const auto parts = rows.split_with_sizes(sizes, 0);
  std::vector<at::Tensor> sequences;
  for (std::size_t i = 1; i < parts.size(); ++i) sequences.insert(sequences.end(), {parts[0], parts[i]});
  return at::cat(sequences);
}

at::Tensor PackedAttention::take_back(const at::Tensor& rows) const {
  if (prefix_ == 0) return rows;
  std::vector<std::int64_t> sizes;
  for (const std::int64_t length : own_lengths_) sizes.insert(sizes.end(), {prefix_, length});
  const auto parts = rows.split_with_sizes(sizes, 0);
  std::vector<at::Tensor> own = {parts[0]};  // the prefix is the same in every sequence
  for (std::size_t i = 1; i < parts.size(); i += 2) own.push_back(parts[i]);
  return at::cat(own);
}

}  // namespace iteralign
