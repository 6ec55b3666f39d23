#pragma once
// The ranges of what a sampling is made of.

#include "iteralign/base_model.h"

namespace iteralign {

// Throws Error usage that names the field which is out of its range. At the ends of theirs top_p and min_p leave the most likely
// token, as in transformers.
void check(const Sampling& sampling);

}  // namespace iteralign
