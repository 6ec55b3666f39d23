#include "engine/collator.h"

#include <algorithm>
#include <numeric>

#include "core/log.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

at::Tensor to_tensor(const std::vector<std::int64_t>& values, at::Device device) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong)).to(device);
}

// Up to `max_length` tokens, and up to the last target.
void cut(Renderer::Example& example, std::int64_t max_length) {
  std::size_t end = std::min(example.ids.size(), static_cast<std::size_t>(max_length));
  while (end > 1 && example.loss[end - 1] == 0) --end;
  example.ids.resize(end);
  example.loss.resize(end);
}

}  // namespace

std::int64_t Batch::num_tokens() const {
  return std::accumulate(lengths.begin(), lengths.end(), prefix * static_cast<std::int64_t>(lengths.size()));
}

Collator::Collator(std::vector<Renderer::Example> examples, std::int64_t max_length, std::int64_t batch_size, std::uint64_t seed,
                   bool share_prefix)
    : examples_(std::move(examples)), batch_size_(static_cast<std::size_t>(batch_size)), share_prefix_(share_prefix), random_(seed) {
  for (Renderer::Example& example : examples_) {
    cut(example, max_length);
    cycle_ = std::max(cycle_, example.epoch + 1);
  }
  const std::size_t dropped = std::erase_if(examples_, [](const Renderer::Example& example) { return example.ids.size() < 2; });
  if (examples_.empty()) {
    throw Error(ErrorKind::data, "no example has a token to learn within max_length = " + std::to_string(max_length), "finetune.max_length",
                "raise it, or shorten the prompts");
  }
  if (dropped > 0) log_warning("{} examples have no token to learn within max_length = {} and are left out", dropped, max_length);
}

std::vector<std::vector<std::size_t>> Collator::next_epoch() {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < examples_.size(); ++i) {
    if (belongs_to(examples_[i], epochs_)) order.push_back(i);
  }
  ++epochs_;
  random_.shuffle(order);
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += batch_size_) {
    const std::size_t end = std::min(order.size(), begin + batch_size_);
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin), order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return batches;
}

// After the last epoch that an example is for, those that belong to one come round again.
bool Collator::belongs_to(const Renderer::Example& example, int epoch) const {
  return example.epoch < 0 || example.epoch == epoch % cycle_;
}

std::int64_t Collator::batches_per_epoch() const {
  std::size_t longest = 0;
  for (int epoch = 0; epoch < cycle_; ++epoch) {
    const auto size = std::ranges::count_if(examples_, [&](const auto& example) { return belongs_to(example, epoch); });
    longest = std::max(longest, static_cast<std::size_t>(size));
  }
  return static_cast<std::int64_t>((longest + batch_size_ - 1) / batch_size_);
}

std::size_t Collator::shared_prefix(const std::vector<std::size_t>& indices) const {
  constexpr std::size_t kWorthIt = 8;  // attention must lay the prefix before every sequence again
  if (!share_prefix_ || indices.size() < 2) return 0;
  const Renderer::Example& first = examples_[indices.front()];
  std::size_t prefix = first.ids.size();
  for (const std::size_t index : indices) {
    const Renderer::Example& example = examples_[index];
    const auto differs = std::mismatch(first.ids.begin(), first.ids.end(), example.ids.begin(), example.ids.end()).first;
    const auto learnt = std::find(example.loss.begin() + 1, example.loss.end(), 1);
    prefix = std::min(
        {prefix, static_cast<std::size_t>(differs - first.ids.begin()), static_cast<std::size_t>(learnt - example.loss.begin()) - 1});
  }
  return prefix < kWorthIt ? 0 : prefix;
}

Batch Collator::collate(const std::vector<std::size_t>& indices, at::Device device) const {
  const std::size_t prefix = shared_prefix(indices);
  const auto& shared = examples_[indices.front()].ids;
  std::vector<std::int64_t> tokens(shared.begin(), shared.begin() + static_cast<std::ptrdiff_t>(prefix)), lengths, rows, targets;
  for (const std::size_t index : indices) {
    const Renderer::Example& example = examples_[index];
    const std::size_t length = example.ids.size() - 1;  // the last token is only a target
    for (std::size_t i = prefix; i < length; ++i) {
      if (example.loss[i + 1] != 0) {
        rows.push_back(static_cast<std::int64_t>(tokens.size()));
        targets.push_back(example.ids[i + 1]);
      }
      tokens.push_back(example.ids[i]);
    }
    lengths.push_back(static_cast<std::int64_t>(length - prefix));
  }
  return {to_tensor(tokens, device), static_cast<std::int64_t>(prefix), lengths, to_tensor(rows, device), to_tensor(targets, device)};
}

}  // namespace iteralign
