#include "engine/files/gguf_dequant.h"

#include <cstdint>
#include <cstring>
#include <string_view>

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

template <class Block>
void dequantize_blocks(const GgufTensor& tensor, std::span<float> out, Block block) {
  const std::byte* in = tensor.bytes.data();
  for (std::size_t i = 0; i < out.size(); i += kBlock, in += tensor.type.block_bytes) block(in, out.data() + i);
}

}  // namespace

void dequantize(const GgufTensor& tensor, std::span<float> out, const std::string& path) {
  ITERALIGN_CHECK(tensor.bytes.size() / tensor.type.block_bytes * static_cast<std::size_t>(tensor.type.block_elements) == out.size(),
                  "the output has another size than the tensor");
  const std::string_view type = tensor.type.name;
  const std::byte* in = tensor.bytes.data();
  if (type == "F32") return static_cast<void>(std::memcpy(out.data(), in, tensor.bytes.size()));
  if (type == "F16") {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = f16_to_float(load_u16(in + 2 * i));
    return;
  }
  if (type == "BF16") {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = bf16_to_float(load_u16(in + 2 * i));
    return;
  }
  if (type == "Q8_0") return dequantize_blocks(tensor, out, q8_0);
  if (type == "Q4_0") return dequantize_blocks(tensor, out, q4_0);
  if (type == "Q4_1") return dequantize_blocks(tensor, out, q4_1);
  if (type == "Q5_0") return dequantize_blocks(tensor, out, q5_0);
  if (type == "Q5_1") return dequantize_blocks(tensor, out, q5_1);
  throw Error(ErrorKind::data, "tensor " + tensor.name + " has the type " + std::string(type) + ", which cannot be dequantised yet", path,
              "use a file in F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 or Q5_1");
}

}  // namespace iteralign
