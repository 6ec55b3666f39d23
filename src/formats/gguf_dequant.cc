#include "formats/gguf_dequant.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/strings.h"
#include "formats/float16.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kSuperBlock = 256;  // of the K types, in sub-blocks of 16 or 32 with a scale each

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
  for (std::size_t i = 0; i < kGgmlBlock; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
}

// d f16, 32 x 4 bits: d (q - 8)
void q4_0(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block));
  for (std::size_t i = 0; i < kGgmlBlock; ++i) out[i] = d * (static_cast<float>(nibble(block + 2, i)) - 8.0f);
}

// d f16, m f16, 32 x 4 bits: d q + m
void q4_1(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block)), m = f16_to_float(load_u16(block + 2));
  for (std::size_t i = 0; i < kGgmlBlock; ++i) {
    const float product = d * static_cast<float>(nibble(block + 4, i));
    out[i] = product + m;
  }
}

// d f16, 32 fifth bits, 32 x 4 bits: d (q - 16)
void q5_0(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block));
  const std::uint32_t high = load_u32(block + 2);
  for (std::size_t i = 0; i < kGgmlBlock; ++i) {
    out[i] = d * (static_cast<float>(nibble(block + 6, i) | (high >> i & 1) << 4) - 16.0f);
  }
}

// d f16, m f16, 32 fifth bits, 32 x 4 bits: d q + m
void q5_1(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block)), m = f16_to_float(load_u16(block + 2));
  const std::uint32_t high = load_u32(block + 4);
  for (std::size_t i = 0; i < kGgmlBlock; ++i) {
    const float product = d * static_cast<float>(nibble(block + 8, i) | (high >> i & 1) << 4);
    out[i] = product + m;
  }
}

// d f16, 32 x 4 bits that point into a table: d table[q]
void iq4_nl(const std::byte* block, float* out) {
  constexpr std::array<float, 16> kTable = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  const float d = f16_to_float(load_u16(block));
  for (std::size_t i = 0; i < kGgmlBlock; ++i) out[i] = d * kTable[nibble(block + 2, i)];
}

std::uint32_t bits(const std::byte* bytes, std::size_t i, std::size_t shift, std::uint32_t mask) {
  return std::to_integer<std::uint32_t>(bytes[i]) >> shift & mask;
}

// The fields of value i, where a half of 128 values lies in 32 bytes, two bits each.
std::uint32_t two_bits(const std::byte* quants, std::size_t i) { return bits(quants, i / 128 * 32 + i % 32, i % 128 / 32 * 2, 3); }

// 16 scales and minima of 4 bits, 64 bytes of 2 bits, d f16, m f16; sub-blocks of 16: d scale q - m minimum
void q2_k(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block + 80)), m = f16_to_float(load_u16(block + 82));
  for (std::size_t i = 0; i < kSuperBlock; ++i) {
    const float scale = d * static_cast<float>(bits(block, i / 16, 0, 0xf)), minimum = m * static_cast<float>(bits(block, i / 16, 4, 0xf));
    const float product = scale * static_cast<float>(two_bits(block + 16, i));
    out[i] = product - minimum;
  }
}

// 32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits, d f16; sub-blocks of 16: d (scale - 32) (q - 4)
void q3_k(const std::byte* block, float* out) {
  const std::byte* scales = block + 96;
  const float d = f16_to_float(load_u16(block + 108));
  for (std::size_t i = 0; i < kSuperBlock; ++i) {
    const std::size_t s = i / 16;
    const std::uint32_t scale = bits(scales, s % 8, s / 8 * 4, 0xf) | bits(scales, 8 + s % 4, s / 4 * 2, 3) << 4;
    const std::uint32_t q = two_bits(block + 32, i) | bits(block, i % 32, i / 32, 1) << 2;
    out[i] = d * (static_cast<float>(scale) - 32.0f) * (static_cast<float>(q) - 4.0f);
  }
}

// Scale and minimum of sub-block j of 8, 6 bits each, in 12 bytes.
struct ScaleAndMinimum {
  float scale, minimum;
};
ScaleAndMinimum scale_and_minimum(const std::byte* bytes, std::size_t j) {
  if (j < 4) return {static_cast<float>(bits(bytes, j, 0, 63)), static_cast<float>(bits(bytes, j + 4, 0, 63))};
  return {static_cast<float>(bits(bytes, j + 4, 0, 0xf) | bits(bytes, j - 4, 6, 3) << 4),
          static_cast<float>(bits(bytes, j + 4, 4, 0xf) | bits(bytes, j, 6, 3) << 4)};
}

// d f16, m f16, 12 bytes of scales and minima, for Q5_K 32 bytes of fifth bits, 128 bytes of 4 bits; sub-blocks of 32:
// d scale q - m minimum
template <bool fifth_bit>
void q4_or_q5_k(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block)), m = f16_to_float(load_u16(block + 2));
  const std::byte *high = block + 16, *low = fifth_bit ? high + 32 : high;
  for (std::size_t i = 0; i < kSuperBlock; ++i) {
    const ScaleAndMinimum sub_block = scale_and_minimum(block + 4, i / 32);
    std::uint32_t q = bits(low, i / 64 * 32 + i % 32, i % 64 / 32 * 4, 0xf);
    if (fifth_bit) q |= bits(high, i % 32, i / 32, 1) << 4;
    const float scale = d * sub_block.scale, minimum = m * sub_block.minimum, product = scale * static_cast<float>(q);
    out[i] = product - minimum;
  }
}

// 128 bytes of 4 bits, 64 bytes of 2 high bits, 16 x i8 scales, d f16; sub-blocks of 16: d scale (q - 32)
void q6_k(const std::byte* block, float* out) {
  const float d = f16_to_float(load_u16(block + 208));
  for (std::size_t i = 0; i < kSuperBlock; ++i) {
    const std::uint32_t low = bits(block, i / 128 * 64 + i % 64, i % 128 / 64 * 4, 0xf);
    const std::uint32_t q = low | two_bits(block + 128, i) << 4;
    const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + i / 16]));
    out[i] = scale * (static_cast<float>(q) - 32.0f);
  }
}

// `count` values from `in`.
using Convert = void (*)(const std::byte* in, std::size_t count, float* out);

void f32(const std::byte* in, std::size_t count, float* out) { std::memcpy(out, in, count * sizeof(float)); }

template <float to_float(std::uint16_t)>
void sixteen_bits(const std::byte* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_float(load_u16(in + 2 * i));
}

template <void block(const std::byte*, float*), std::size_t block_bytes, std::size_t values = kGgmlBlock>
void blocks(const std::byte* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; i += values, in += block_bytes) block(in, out + i);
}

struct Format {
  std::string_view type;
  Convert convert;
};
constexpr std::array<Format, 14> kFormats = {{{"F32", f32},
                                              {"F16", sixteen_bits<f16_to_float>},
                                              {"BF16", sixteen_bits<bf16_to_float>},
                                              {"Q8_0", blocks<q8_0, 34>},
                                              {"Q4_0", blocks<q4_0, 18>},
                                              {"Q4_1", blocks<q4_1, 20>},
                                              {"Q5_0", blocks<q5_0, 22>},
                                              {"Q5_1", blocks<q5_1, 24>},
                                              {"IQ4_NL", blocks<iq4_nl, 18>},
                                              {"Q2_K", blocks<q2_k, 84, kSuperBlock>},
                                              {"Q3_K", blocks<q3_k, 110, kSuperBlock>},
                                              {"Q4_K", blocks<q4_or_q5_k<false>, 144, kSuperBlock>},
                                              {"Q5_K", blocks<q4_or_q5_k<true>, 176, kSuperBlock>},
                                              {"Q6_K", blocks<q6_k, 210, kSuperBlock>}}};

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
