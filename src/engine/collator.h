#pragma once
// Batches for training, in an order that the seed alone decides.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "text/renderer.h"

namespace iteralign {

// Sequences one behind the other, without padding. What comes after the last target of a sequence is left out. What all
// begin with (a system message) stands once, before the first: its hidden states are the same in all of them.
struct Batch {
  at::Tensor tokens;                  // [n] int64
  std::int64_t prefix;                // rows that belong to every sequence
  std::vector<std::int64_t> lengths;  // of the sequences behind the prefix; prefix and lengths sum to n
  at::Tensor rows, targets;           // [m] int64: the rows whose next token is learnt, and that token

  // Of the sequences, as if each stood alone.
  [[nodiscard]] std::int64_t num_tokens() const;
};

class Collator {
 public:
  // Examples are cut to `max_length` tokens; those without a target left are dropped. Error data when none is left.
  // `share_prefix`: false where dropout must differ between the sequences.
  Collator(std::vector<Renderer::Example> examples, std::int64_t max_length, std::int64_t batch_size, std::uint64_t seed,
           bool share_prefix = true);

  // The next epoch: its examples, shuffled, in batches of which the last may be smaller.
  std::vector<std::vector<std::size_t>> next_epoch();
  // Of the longest epoch.
  [[nodiscard]] std::int64_t batches_per_epoch() const;
  [[nodiscard]] Batch collate(const std::vector<std::size_t>& indices, at::Device device) const;

 private:
  [[nodiscard]] bool belongs_to(const Renderer::Example& example, int epoch) const;
  // Tokens that all of them begin with, before the first row whose next token is learnt.
  [[nodiscard]] std::size_t shared_prefix(const std::vector<std::size_t>& indices) const;

  std::vector<Renderer::Example> examples_;
  std::size_t batch_size_;
  bool share_prefix_;
  Random random_;
  int cycle_ = 1;   // epochs until examples that belong to one come round again
  int epochs_ = 0;  // begun
};

}  // namespace iteralign
