#pragma once
// Seeded random numbers that are the same on every machine (unlike the distributions of <random>).

#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hash.h"

namespace iteralign {

// A seed for a named part of the work: derive_seed(seed, "revise/3/ab12").
inline std::uint64_t derive_seed(std::uint64_t seed, std::string_view what) { return hash64(what, seed); }

// SplitMix64 (Steele, Lea, Flood 2014): small state, passes BigCrush, any seed is good.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)
  std::uint64_t below(std::uint64_t n) { return next() % n; }                 // [0, n); the bias is below 2^-40 for our n
  double normal() {                                                           // Box-Muller
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
  template <class T>
  void shuffle(std::vector<T>& items) {  // Fisher-Yates
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace iteralign
