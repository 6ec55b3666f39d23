#include "engine/files/gguf_dequant.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/strings.h"
#include "engine/files/float16.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kBlock = 32;  // values a block, in all the quantised types here

std::uint16_t load_u16(const std::byte* bytes) {
  std::uint16_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::uint32_t load_u32(const std::byte* bytes) {
  std::uint32_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// 16 bytes of two 4-bit values: value i in the low half, value i + 16 in the high half.
std::uint32_t nibble(const std::byte* quants, std::size_t i) {
  const auto byte = std::to_integer<std::uint32_t>(quants[i % 16]);
  return i < 16 ? byte & 0xf : byte >> 4;
}

// Every block function turns one block into 32 values. The product is rounded to fp32 before the sum: no fused multiply-add.

// d f16, 32 x i8: d q
void q8_0(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block));
  for (std::size_t i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
}

// d f16, 32 x 4 bits: d (q - 8)
void q4_0(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block));
  for (std::size_t i = 0; i < kBlock; ++i) out[i] = d * (static_cast<float>(nibble(block + 2, i)) - 8.0f);
}

// d f16, m f16, 32 x 4 bits: d q + m
void q4_1(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block)), m = f16_to_float(load_u16(block + 2));
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float product = d * static_cast<float>(nibble(block + 4, i));
    out[i] = product + m;
  }
}

// d f16, 32 fifth bits, 32 x 4 bits: d (q - 16)
void q5_0(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block));
  const std::uint32_t high = load_u32(block + 2);
  for (std::size_t i = 0; i < kBlock; ++i) {
    out[i] = d * (static_cast<float>(nibble(block + 6, i) | (high >> i & 1) << 4) - 16.0f);
  }
}

// d f16, m f16, 32 fifth bits, 32 x 4 bits: d q + m
void q5_1(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block)), m = f16_to_float(load_u16(block + 2));
  const std::uint32_t high = load_u32(block + 4);
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float product = d * static_cast<float>(nibble(block + 8, i) | (high >> i & 1) << 4);
    out[i] = product + m;
  }
}

// `count` values from `in`.
using Convert = void (*)(const std::byte* in, std::size_t count, float* out);

void f32(const std::byte* in, std::size_t count, float* out) { std::memcpy(out, in, count * sizeof(float)); }

template <float to_float(std::uint16_t)>
void sixteen_bits(const std::byte* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_float(load_u16(in + 2 * i));
}

template <void block(const std::byte*, float*), std::size_t block_bytes>
void blocks(const std::byte* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; i += kBlock, in += block_bytes) block(in, out + i);
}

struct Format {
  std::string_view type;
  Convert convert;
};
constexpr std::array<Format, 8> kFormats = {{{"F32", f32},
                                             {"F16", sixteen_bits<f16_to_float>},
                                             {"BF16", sixteen_bits<bf16_to_float>},
                                             {"Q8_0", blocks<q8_0, 34>},
                                             {"Q4_0", blocks<q4_0, 18>},
                                             {"Q4_1", blocks<q4_1, 20>},
                                             {"Q5_0", blocks<q5_0, 22>},
                                             {"Q5_1", blocks<q5_1, 24>}}};

Convert find_convert(const GgufTensor& tensor, const std::string& path) {
  std::vector<std::string> known;
  for (const auto& format : kFormats) {
    if (format.type == tensor.type.name) return format.convert;
    known.emplace_back(format.type);
  }
  throw Error(ErrorKind::data, "the tensor " + tensor.name + " has the type " + tensor.type.name + ", which cannot be dequantised yet",
              path, "use a file in one of these: " + join(known, ", "));
}

}  // namespace

void check_dequantizable(const GgufTensor& tensor, const std::string& path) { (void)find_convert(tensor, path); }

void dequantize(const GgufTensor& tensor, std::span<float> out, const std::string& path) {
  ITERALIGN_CHECK(tensor.bytes.size() / tensor.type.block_bytes * static_cast<std::size_t>(tensor.type.block_elements) == out.size(),
                  "the output has another size than the tensor");
  find_convert(tensor, path)(tensor.bytes.data(), out.size(), out.data());
}

}  // namespace iteralign
