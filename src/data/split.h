#pragma once
// The held-out split.

#include <cstdint>
#include <vector>

#include "iteralign/records.h"

namespace iteralign {

struct Split {
  std::vector<Prompt> train, heldout;  // each in the old order
};

// Holds out `heldout` prompts: a fraction below 1, a count from 1 on; 0 holds out none. Every category gives its share (largest
// remainder). Which ones depends on the seed and on the prompts alone, not on their order. Duplicates and near duplicates stay on
// one side, so that the count may be missed by the size of such a group.
// Throws Error usage when nothing would be left for training.
Split split_heldout(const std::vector<Prompt>& prompts, double heldout, std::uint64_t seed);

}  // namespace iteralign
