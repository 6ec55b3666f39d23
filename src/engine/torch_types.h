#pragma once
// Element types of files as LibTorch calls them.

#include <c10/core/ScalarType.h>

#include <string>

#include "formats/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {

// Error data when no weights of this type are computed with; `tensor` has it.
inline at::ScalarType torch_type(DType dtype, const std::string& tensor) {
  switch (dtype) {
    case DType::f64:
      return at::kDouble;
    case DType::f32:
      return at::kFloat;
    case DType::f16:
      return at::kHalf;
    case DType::bf16:
      return at::kBFloat16;
    default:
      throw Error(ErrorKind::data, std::string("weights of type ") + name(dtype) + " are not supported", tensor,
                  "supported: F32, BF16, F16, F64");
  }
}

}  // namespace iteralign
