#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "formats/float16.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// ggml keeps a NaN's upper bits, with the quiet bit set.
std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::isnan(value) ? static_cast<std::uint16_t>((bits >> 16) | 64) : float_to_bf16(value);
}

void store_scale(float scale, std::byte* out) {
  const std::uint16_t half = float_to_f16(scale);
  std::memcpy(out, &half, sizeof half);
}

// 8 bits a value: scale, then the values divided by it, rounded half away from zero.
void quantize_q8_0(std::span<const float> x, std::byte* out) {
  float largest = 0;
  for (const float value : x) largest = std::max(largest, std::abs(value));
  const float scale = largest / 127, inverse = scale == 0 ? 0 : 1 / scale;
  store_scale(scale, out);
  for (std::size_t i = 0; i < x.size(); ++i) out[2 + i] = static_cast<std::byte>(static_cast<std::int8_t>(std::round(x[i] * inverse)));
}

// 4 bits a value: the one of the largest magnitude becomes -8.
void quantize_q4_0(std::span<const float> x, std::byte* out) {
  float extreme = x[0];
  for (const float value : x)
    if (std::abs(value) > std::abs(extreme)) extreme = value;
  const float scale = extreme / -8, inverse = scale == 0 ? 0 : 1 / scale;
  store_scale(scale, out);
  const auto nibble = [&](float value) { return static_cast<std::uint8_t>(std::clamp(static_cast<int>(value * inverse + 8.5f), 0, 15)); };
  for (std::size_t i = 0; i < x.size() / 2; ++i)
    out[2 + i] = static_cast<std::byte>(nibble(x[i]) | static_cast<std::uint8_t>(nibble(x[i + x.size() / 2]) << 4));
}

template <class Convert>
void convert_halves(std::span<const float> values, std::span<std::byte> out, const Convert& convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = convert(values[i]);
    std::memcpy(out.data() + 2 * i, &half, 2);
  }
}

std::uint64_t block_bytes(GgufType type) { return type == GgufType::q8_0 ? 34 : 18; }

}  // namespace

std::uint64_t gguf_bytes(GgufType type, std::int64_t count) {
  const auto n = static_cast<std::uint64_t>(count);
  if (type == GgufType::f32) return 4 * n;
  if (type == GgufType::f16 || type == GgufType::bf16) return 2 * n;
  ITERALIGN_CHECK(count % kGgmlBlock == 0, "rows of quantised tensors are whole blocks");
  return n / kGgmlBlock * block_bytes(type);
}

void gguf_quantize(GgufType type, std::span<const float> values, std::span<std::byte> out) {
  ITERALIGN_CHECK(out.size() == gguf_bytes(type, static_cast<std::int64_t>(values.size())), "the room for a tensor has another size");
  switch (type) {
    case GgufType::f32:
      std::memcpy(out.data(), values.data(), values.size_bytes());
      return;
    case GgufType::f16:
      convert_halves(values, out, float_to_f16);
      return;
    case GgufType::bf16:
      convert_halves(values, out, to_bf16);
      return;
    case GgufType::q8_0:
    case GgufType::q4_0:
      break;
  }
  std::byte* block = out.data();
  for (std::size_t i = 0; i < values.size(); i += kGgmlBlock, block += block_bytes(type)) {
    const auto x = values.subspan(i, kGgmlBlock);
    type == GgufType::q8_0 ? quantize_q8_0(x, block) : quantize_q4_0(x, block);
  }
}

}  // namespace iteralign
