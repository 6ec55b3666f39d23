#pragma once
// The values of a GGUF tensor as fp32.
// Block formats: ggml-common.h and ggml-quants.c of the ggml project; the sums are in the order of gguf-py's quants.py.

#include <span>
#include <string>

#include "formats/gguf.h"

namespace iteralign {

// Error data names the tensor, its type and `path` when its values cannot be read. F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0,
// Q5_1, Q2_K to Q6_K and IQ4_NL can.
void check_dequantizable(const GgufTensor& tensor, const std::string& path);

// `out` has as many elements as the tensor. The same Error.
void dequantize(const GgufTensor& tensor, std::span<float> out, const std::string& path);

}  // namespace iteralign
