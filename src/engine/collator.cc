#include "engine/collator.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "core/hash.h"
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
                   bool share_prefix, std::vector<Renderer::Example> rejected)
    : batch_size_(static_cast<std::size_t>(batch_size)), share_prefix_(share_prefix), random_(seed) {
  const bool with_rejected = !rejected.empty();
  for (std::size_t i = 0; i < examples.size(); ++i) {
    cut(examples[i], max_length);
    if (examples[i].ids.size() < 2) continue;
    cycle_ = std::max(cycle_, examples[i].epoch + 1);
    examples_.push_back(std::move(examples[i]));
    if (!with_rejected) continue;
    if (!rejected[i].ids.empty()) cut(rejected[i], max_length);
    rejected_.push_back(std::move(rejected[i]));
  }
  const std::size_t dropped = examples.size() - examples_.size();
  if (examples_.empty()) {
    throw Error(ErrorKind::data, "no example has a token to learn within max_length = " + std::to_string(max_length), "finetune.max_length",
                "raise it, or shorten the prompts");
  }
  if (dropped > 0) log_warning("{} examples have no token to learn within max_length = {} and are left out", dropped, max_length);
}

void Collator::pack(std::int64_t row_length) { row_length_ = row_length; }

std::vector<std::vector<std::size_t>> Collator::rows_of(int epoch) const {
  std::vector<std::vector<std::size_t>> rows;
  for (std::size_t i = 0; i < examples_.size(); ++i) {
    if (belongs_to(examples_[i], epoch)) rows.push_back({i});
  }
  if (row_length_ == 0) return rows;
  const auto tokens = [&](std::size_t i) {
    return static_cast<std::int64_t>(examples_[i].ids.size() + (has_rejected(i) ? rejected_[i].ids.size() : 0));
  };
  std::ranges::stable_sort(rows, std::greater<>(), [&](const auto& row) { return tokens(row[0]); });
  std::vector<std::vector<std::size_t>> packed;
  std::multimap<std::int64_t, std::size_t> room;  // free tokens of a row -> its place in `packed`
  for (const auto& row : rows) {
    const auto fit = room.lower_bound(tokens(row[0]));
    const std::size_t place = fit == room.end() ? packed.size() : fit->second;
    const std::int64_t left = (fit == room.end() ? row_length_ : fit->first) - tokens(row[0]);
    fit == room.end() ? packed.push_back(row) : packed[place].push_back(row[0]);
    if (fit != room.end()) room.erase(fit);
    room.emplace(left, place);
  }
  return packed;
}

std::vector<std::vector<std::size_t>> Collator::next_epoch() {
  std::vector<std::vector<std::size_t>> rows = rows_of(epochs_++);
  random_.shuffle(rows);
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_size_) {
    batches.emplace_back();
    for (std::size_t r = begin; r < std::min(rows.size(), begin + batch_size_); ++r)
      batches.back().insert(batches.back().end(), rows[r].begin(), rows[r].end());
  }
  return batches;
}

// After the last epoch that an example is for, those that belong to one come round again.
bool Collator::belongs_to(const Renderer::Example& example, int epoch) const {
  return example.epoch < 0 || example.epoch == epoch % cycle_;
}

std::int64_t Collator::batches_of(int epoch) const {
  return static_cast<std::int64_t>((rows_of(epoch).size() + batch_size_ - 1) / batch_size_);
}

std::int64_t Collator::batches_per_epoch() const {
  std::int64_t longest = 0;
  for (int epoch = 0; epoch < cycle_; ++epoch) longest = std::max(longest, batches_of(epoch));
  return longest;
}

std::string Collator::fingerprint() const {
  std::string bytes;
  for (const auto* examples : {&examples_, &rejected_}) {
    for (const Renderer::Example& example : *examples) {
      bytes.append(reinterpret_cast<const char*>(example.ids.data()), example.ids.size() * sizeof(example.ids[0]));
      bytes.append(reinterpret_cast<const char*>(example.loss.data()), example.loss.size());
      bytes += std::to_string(example.epoch) + ";";
    }
  }
  return hash128_hex(bytes);
}

std::size_t Collator::shared_prefix(const std::vector<const Renderer::Example*>& sequences) const {
  constexpr std::size_t kWorthIt = 8;  // attention must lay the prefix before every sequence again
  if (!share_prefix_ || sequences.size() < 2) return 0;
  const Renderer::Example& first = *sequences.front();
  std::size_t prefix = first.ids.size();
  for (const Renderer::Example* sequence : sequences) {
    const auto differs = std::mismatch(first.ids.begin(), first.ids.end(), sequence->ids.begin(), sequence->ids.end()).first;
    const auto learnt = std::find(sequence->loss.begin() + 1, sequence->loss.end(), 1);
    prefix = std::min(
        {prefix, static_cast<std::size_t>(differs - first.ids.begin()), static_cast<std::size_t>(learnt - sequence->loss.begin()) - 1});
  }
  return prefix < kWorthIt ? 0 : prefix;
}

Batch Collator::collate(const std::vector<std::size_t>& indices, at::Device device) const {
  std::vector<const Renderer::Example*> sequences;
  std::vector<std::int64_t> rejected_of;
  for (const std::size_t index : indices) sequences.push_back(&examples_[index]);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (!has_rejected(indices[i])) continue;
    sequences.push_back(&rejected_[indices[i]]);
    rejected_of.push_back(static_cast<std::int64_t>(i));
  }
  const std::size_t prefix = shared_prefix(sequences);
  const auto& shared = sequences.front()->ids;
  std::vector<std::int64_t> tokens(shared.begin(), shared.begin() + static_cast<std::ptrdiff_t>(prefix)), lengths, rows, targets, owners;
  for (const Renderer::Example* sequence : sequences) {
    const std::size_t length = sequence->ids.size() - 1;  // the last token is only a target
    for (std::size_t i = prefix; i < length; ++i) {
      if (sequence->loss[i + 1] != 0) {
        rows.push_back(static_cast<std::int64_t>(tokens.size()));
        targets.push_back(sequence->ids[i + 1]);
        owners.push_back(static_cast<std::int64_t>(lengths.size()));
      }
      tokens.push_back(sequence->ids[i]);
    }
    lengths.push_back(static_cast<std::int64_t>(length - prefix));
  }
  const auto example_targets = std::ranges::count_if(owners, [&](std::int64_t owner) { return owner < std::ssize(indices); });
  return {to_tensor(tokens, device),  static_cast<std::int64_t>(prefix), lengths,     to_tensor(rows, device),
          to_tensor(targets, device), to_tensor(owners, device),         rejected_of, example_targets};
}

}  // namespace iteralign
