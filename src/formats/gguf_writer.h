#pragma once
// Writes GGUF files, version 3, little-endian. Format: docs/gguf.md of the ggml project.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace iteralign {

// llama.cpp looks at the exact types: counts are u32, numbers f32, token types i32.
using GgufField =
    std::variant<bool, std::uint32_t, float, std::string, std::vector<std::int32_t>, std::vector<float>, std::vector<std::string>>;
using GgufMetadata = std::vector<std::pair<std::string, GgufField>>;  // in the order of the file

// A tensor type that can be written, by its ggml id.
enum class GgufType : std::uint32_t { f32 = 0, f16 = 1, q4_0 = 2, q8_0 = 8, bf16 = 30 };

struct GgufSource {
  std::string name;
  GgufType type;
  std::vector<std::int64_t> shape;                 // PyTorch's order
  std::function<std::span<const float>()> values;  // called once, in the order of the file; valid until the next call
};

// There whole or not at all. Error data when a name is too long for ggml; Error failed when it cannot be written.
void write_gguf(const std::string& path, const GgufMetadata& metadata, const std::vector<GgufSource>& tensors);

// What `count` values take as this type; count is a multiple of the type's block (32 for q4_0 and q8_0).
std::uint64_t gguf_bytes(GgufType type, std::int64_t count);

// Values as a file has them, bit for bit as gguf-py's quants.py makes them. `out` has gguf_bytes() bytes.
void gguf_quantize(GgufType type, std::span<const float> values, std::span<std::byte> out);

}  // namespace iteralign
