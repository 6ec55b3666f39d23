#pragma once
// Loops over a row of logits, one for each word of the vocabulary. Std only.

#include <cstddef>
#include <span>

namespace iteralign::kernels {

// The index of the largest; the first of equals.
std::size_t arg_max(std::span<const float> logits);

// The index that `uniform` in [0, 1) falls on in the cumulative softmax(scale * logits); `largest` is the largest logit.
std::size_t draw_softmax(std::span<const float> logits, float largest, float scale, double uniform);

// sum(exp(scale * (logits - largest))).
double sum_exp(std::span<const float> logits, float largest, float scale);

// log(sum(exp(logits))).
double log_sum_exp(std::span<const float> logits);

}  // namespace iteralign::kernels
