#pragma once
// Own CPU kernels: plain loops that the compiler vectorises, compiled once for each level of the processor (x86-64-v4,
// -v3, baseline) and chosen when the program starts. Each has a test against plain LibTorch operators.

#include <bit>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ITERALIGN_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ITERALIGN_MULTIVERSION  // the loader resolves the versions before a sanitizer is ready
#endif
#define ITERALIGN_INLINE inline __attribute__((always_inline))

namespace iteralign::kernels {

// bfloat16 is the upper half of a float.
struct BFloat16 {
  std::uint16_t bits;
};

ITERALIGN_INLINE float to_float(float x) { return x; }
ITERALIGN_INLINE float to_float(BFloat16 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

template <class T>
ITERALIGN_INLINE T round_to(float x) {
  if constexpr (sizeof(T) == 4) {
    return x;
  } else {  // to nearest, ties to even; the models have no NaN
    const auto bits = std::bit_cast<std::uint32_t>(x);
    return {static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
  }
}

// e^x with a relative error below 2e-7, x clamped to [-87, 88]. 2^n times a Taylor polynomial on [-ln 2 / 2, ln 2 / 2].
ITERALIGN_INLINE float fast_exp(float x) {
  constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  const float n = (x * 1.44269504f + kRoundToInteger) - kRoundToInteger;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

}  // namespace iteralign::kernels
