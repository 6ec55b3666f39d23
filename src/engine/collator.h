#pragma once
// Batches for training, in an order that the seed alone decides.

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
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
  at::Tensor sequences;               // [m] int64: the sequence of each of those rows
  // The first sequences are the examples; behind them stand rejected answers, each beside the example of this number.
  std::vector<std::int64_t> rejected_of;
  std::int64_t example_targets = 0;  // the targets that are the examples' own

  // Of the sequences, as if each stood alone.
  [[nodiscard]] std::int64_t num_tokens() const;
};

class Collator {
 public:
  // Examples are cut to `max_length` tokens; those without a target left are dropped. Error data when none is left.
  // `share_prefix`: false where dropout must differ between the sequences.
  // `rejected`: a worse answer for each example (one without ids: none), or empty.
  Collator(std::vector<Renderer::Example> examples, std::int64_t max_length, std::int64_t batch_size, std::uint64_t seed,
           bool share_prefix = true, std::vector<Renderer::Example> rejected = {});

  // From now on examples are packed into rows of at most `row_length` tokens (best fit decreasing), and a batch has that many
  // rows: what is shuffled are the rows.
  void pack(std::int64_t row_length);

  // The next epoch: its examples, shuffled, in batches of which the last may be smaller.
  std::vector<std::vector<std::size_t>> next_epoch();
  // Of one epoch, from 0; of the longest.
  [[nodiscard]] std::int64_t batches_of(int epoch) const;
  [[nodiscard]] std::int64_t batches_per_epoch() const;
  [[nodiscard]] Batch collate(const std::vector<std::size_t>& indices, at::Device device) const;
  [[nodiscard]] std::string fingerprint() const;  // of all examples
  [[nodiscard]] std::size_t size() const { return examples_.size(); }
  [[nodiscard]] bool has_rejected(std::size_t index) const { return index < rejected_.size() && !rejected_[index].ids.empty(); }

 private:
  [[nodiscard]] bool belongs_to(const Renderer::Example& example, int epoch) const;
  // This epoch's examples, row by row; without packing a row has one.
  [[nodiscard]] std::vector<std::vector<std::size_t>> rows_of(int epoch) const;
  // Tokens that all of them begin with, before the first row whose next token is learnt.
  [[nodiscard]] std::size_t shared_prefix(const std::vector<const Renderer::Example*>& sequences) const;

  std::vector<Renderer::Example> examples_, rejected_;
  std::size_t batch_size_;
  bool share_prefix_;
  Random random_;
  std::int64_t row_length_ = 0;  // > 0: packing
  int cycle_ = 1;                // epochs until examples that belong to one come round again
  int epochs_ = 0;               // begun
};

}  // namespace iteralign
