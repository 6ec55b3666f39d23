#include "engine/kv_cache.h"

#include <algorithm>

#include "engine/kernels/decode_attention.h"
#include "engine/ops.h"
#include "iteralign/error.h"

namespace iteralign {

KvCache::KvCache(const ModelConfig& config, std::int64_t slots, std::int64_t max_length, at::ScalarType dtype, at::Device device)
    : slots_(slots), max_length_(max_length) {
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  // The kernel reads only what was written: pages that no sequence reaches are never touched and cost nothing. Plain
  // attention reads behind a sequence's end and masks it: that must not be NaN.
  const bool only_written_is_read = fused_kernels() && device.is_cpu();
  const std::vector<std::int64_t> shape = {slots, config.num_key_value_heads, max_length, config.head_dim};
  const auto allocate = [&] { return only_written_is_read ? at::empty(shape, options) : at::zeros(shape, options); };
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    keys_.push_back(allocate());
    values_.push_back(allocate());
  }
}

void KvCache::copy(std::int64_t from, std::int64_t to, std::int64_t length) {
  for (const auto* tensors : {&keys_, &values_}) {
    for (const at::Tensor& tensor : *tensors) tensor.select(0, to).narrow(1, 0, length).copy_(tensor.select(0, from).narrow(1, 0, length));
  }
}

PrefillAttention::PrefillAttention(KvCache& cache, std::vector<PrefillPiece> pieces) : cache_(cache), pieces_(std::move(pieces)) {
  std::vector<at::Tensor> positions;
  for (const PrefillPiece& piece : pieces_)
    positions.push_back(at::arange(piece.first, piece.first + piece.tokens, cache.keys(0).options().dtype(at::kLong)));
  positions_ = at::cat(positions);
}

at::Tensor PrefillAttention::lengths() const {
  std::vector<std::int64_t> lengths;
  for (const PrefillPiece& piece : pieces_) lengths.insert(lengths.end(), static_cast<std::size_t>(piece.tokens), piece.length);
  return at::tensor(lengths, at::kLong).to(positions_.device());
}

at::Tensor PrefillAttention::attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule) {
  std::vector<at::Tensor> outs;
  std::int64_t begin = 0;
  for (const PrefillPiece& piece : pieces_) {
    const auto rows = [&](const at::Tensor& x) { return x.narrow(0, begin, piece.tokens); };
    outs.push_back(attend_piece(piece, layer, rows(q), rows(k), rows(v), rule));
    begin += piece.tokens;
  }
  return outs.size() == 1 ? outs[0] : at::cat(outs);
}

at::Tensor PrefillAttention::attend_piece(const PrefillPiece& piece, int layer, const at::Tensor& q, const at::Tensor& k,
                                          const at::Tensor& v, const AttentionRule& rule) {
  const std::int64_t slot = piece.slot, first = piece.first, tokens = piece.tokens, seen = first + tokens;
  const at::Tensor keys = cache_.keys(layer).select(0, slot), values = cache_.values(layer).select(0, slot);  // [kv_heads, max, dim]
  keys.narrow(1, first, tokens).copy_(k.transpose(0, 1));
  values.narrow(1, first, tokens).copy_(v.transpose(0, 1));
  const bool masked = first > 0 || (rule.window > 0 && rule.window < seen);
  const auto mask = masked ? std::optional<at::Tensor>(causal_mask(first, tokens, seen, rule.window, q.device())) : std::nullopt;
  const at::Tensor out = plain_attention(q.transpose(0, 1).unsqueeze(0), keys.narrow(1, 0, seen).unsqueeze(0),
                                         values.narrow(1, 0, seen).unsqueeze(0), mask, rule);
  return out.squeeze(0).transpose(0, 1).reshape({tokens, -1});
}

DecodeAttention::DecodeAttention(KvCache& cache, std::vector<std::int64_t> slots, std::vector<std::int64_t> lengths, std::int64_t rows)
    : cache_(cache), slots_(std::move(slots)), lengths_(std::move(lengths)) {
  ITERALIGN_CHECK(*std::max_element(lengths_.begin(), lengths_.end()) < cache.max_length(), "a sequence is longer than its cache");
  std::vector<std::int64_t> positions = lengths_;
  positions.resize(static_cast<std::size_t>(rows), 0);
  positions_ = at::tensor(positions, at::kLong).to(cache.keys(0).device());
  slot_indices_ = at::tensor(slots_, at::kLong).to(cache.keys(0).device());
}

at::Tensor DecodeAttention::attend(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule) {
  if (use_kernel(q)) return kernels::decode_attention(q, k, v, cache_.keys(layer), cache_.values(layer), slots_, lengths_, rule);
  const auto running = static_cast<std::int64_t>(slots_.size()), padding = q.size(0) - running;
  const at::Tensor out = attend_plain(layer, q.narrow(0, 0, running), k.narrow(0, 0, running), v.narrow(0, 0, running), rule);
  return at::constant_pad_nd(out, {0, 0, 0, padding});
}

at::Tensor DecodeAttention::attend_plain(int layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                         const AttentionRule& rule) {
  const at::Tensor position = positions_.narrow(0, 0, q.size(0));
  cache_.keys(layer).transpose(1, 2).index_put_({slot_indices_, position}, k);
  cache_.values(layer).transpose(1, 2).index_put_({slot_indices_, position}, v);
  const std::int64_t longest = *std::max_element(lengths_.begin(), lengths_.end()) + 1;
  const at::Tensor keys = cache_.keys(layer).narrow(2, 0, longest).index_select(0, slot_indices_);
  const at::Tensor values = cache_.values(layer).narrow(2, 0, longest).index_select(0, slot_indices_);

  const at::Tensor key_position = at::arange(longest, position.options()).unsqueeze(0), now = position.unsqueeze(1);
  at::Tensor allowed = key_position <= now;  // [rows, longest]
  if (rule.window > 0) allowed = allowed.logical_and(key_position > now - rule.window);
  const at::Tensor out = plain_attention(q.unsqueeze(2), keys, values, allowed.unsqueeze(1).unsqueeze(1), rule);
  return out.reshape({q.size(0), -1});
}

}  // namespace iteralign
