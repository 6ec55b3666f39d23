#include "formats/tensor_floats.h"

#include <cstring>

#include "formats/float16.h"
#include "iteralign/error.h"

namespace iteralign {

std::vector<float> to_floats(const TensorView& view, const std::string& name) {
  std::vector<float> values(static_cast<std::size_t>(element_count(view.shape)));
  const auto read = [&]<class T>(T, const auto& convert) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      T value;
      std::memcpy(&value, view.bytes.data() + i * sizeof(T), sizeof(T));
      values[i] = convert(value);
    }
  };
  switch (view.dtype) {
    case DType::f32:
      read(float{}, [](float x) { return x; });
      break;
    case DType::f64:
      read(double{}, [](double x) { return static_cast<float>(x); });
      break;
    case DType::f16:
      read(std::uint16_t{}, f16_to_float);
      break;
    case DType::bf16:
      read(std::uint16_t{}, bf16_to_float);
      break;
    default:
      throw Error(ErrorKind::data, std::string("weights of type ") + iteralign::name(view.dtype) + " are not supported", name);
  }
  return values;
}

}  // namespace iteralign
