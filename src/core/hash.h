#pragma once
// Hashes as lower-case hexadecimal text.

#include <cstdint>
#include <string>
#include <string_view>

namespace iteralign {

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);  // XXH3, 64 bits
std::string hash128_hex(std::string_view bytes);                       // XXH3, 128 bits: keys and ids
std::string sha256_hex(std::string_view bytes);                        // manifests

}  // namespace iteralign
