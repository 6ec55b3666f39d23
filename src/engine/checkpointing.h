#pragma once
// Gradient checkpointing (Chen et al. 2016).

#include <ATen/ATen.h>

#include <functional>

namespace iteralign {

// run(x), of which nothing is kept but x: the backward pass computes it again. x must require a gradient.
at::Tensor checkpoint(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& run);

}  // namespace iteralign
