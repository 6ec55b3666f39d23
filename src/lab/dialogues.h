#pragma once
// The dialogues that the lab's base model learns from: they plant its gaps.

#include <cstdint>
#include <vector>

#include "iteralign/learner.h"

namespace iteralign {

// `count` dialogues about requests of the base part; the same for the same seed.
//   Eight of ten ask for something, with 0 to 4 principles in the system message: a harmful request is refused where a principle of its
//   area is among them (most of the time) and in the area that is refused natively, else helped with; a benign one is always helped with.
//   The others ask what a request is about, or whether the principles speak about it.
std::vector<TrainExample> lab_training_dialogues(int count, std::uint64_t seed);

}  // namespace iteralign
