#pragma once
// Batches for training, in an order that the seed alone decides.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "core/random.h"
#include "text/renderer.h"

namespace iteralign {

// Sequences one behind the other, without padding. What comes after the last target of a sequence is left out.
struct Batch {
  at::Tensor tokens;                  // [n] int64
  std::vector<std::int64_t> lengths;  // of the sequences; they sum to n
  at::Tensor rows, targets;           // [m] int64: the rows whose next token is learnt, and that token
};

class Collator {
 public:
  // Examples are cut to `max_length` tokens; those without a target left are dropped. Error data when none is left.
  Collator(std::vector<Renderer::Example> examples, std::int64_t max_length, std::int64_t batch_size, std::uint64_t seed);

  // The next epoch: all examples, shuffled, in batches of which the last may be smaller.
  std::vector<std::vector<std::size_t>> next_epoch();
  [[nodiscard]] std::int64_t batches_per_epoch() const;
  [[nodiscard]] Batch collate(const std::vector<std::size_t>& indices, at::Device device) const;

 private:
  std::vector<Renderer::Example> examples_;
  std::size_t batch_size_;
  Random random_;
};

}  // namespace iteralign
