#pragma once
// Which device, dtype and threads a model runs with.

#include <ATen/ATen.h>

#include <string>

namespace iteralign {

// "auto": the first GPU when there is one. Error usage for another word, or when there is no GPU that was asked for.
at::Device choose_device(const std::string& device);

// "auto": bf16 on a GPU; on a CPU the faster of fp32 and bf16 by a measurement of a tenth of a second, made once a process.
// Weights that were saved in fp32 stay fp32, for bf16 would round them.
at::ScalarType choose_dtype(const std::string& dtype, const std::string& saved_dtype, at::Device device);

// LibTorch's threads: one for each processor, unless OMP_NUM_THREADS says otherwise.
void use_all_processors();

}  // namespace iteralign
