#pragma once
// The dialogues that the lab's base model learns from: they plant its gaps.

#include <cstdint>
#include <vector>

#include "iteralign/base_model.h"

namespace iteralign {

// `count` dialogues about requests of the base part; the same for the same seed.
//   Nine of ten ask for something, with 0 to 4 principles in the system message: a harmful request is refused where a principle of its
//   area is among them (nearly always) and in the area that is refused natively, else helped with; a benign one is always helped with.
//   One of ten asks what a request is about.
std::vector<TrainExample> lab_training_dialogues(int count, std::uint64_t seed);

}  // namespace iteralign
