#pragma once
// GGUF files, versions 2 and 3, little-endian: typed metadata, then tensors.
// Format: docs/gguf.md of the ggml project.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/files.h"

namespace iteralign {

// A ggml tensor type: elements are stored in blocks.
struct GgmlType {
  std::uint32_t id = 0;
  const char* name = "";
  std::int64_t block_elements = 1;
  std::uint64_t block_bytes = 0;
};

constexpr std::int64_t kGgmlBlock = 32;  // elements in a block of q4_0, q8_0 and their like

// tokenizer.ggml.token_type
enum GgufTokenType : std::int32_t {
  kNormalToken = 1,
  kUnknownToken = 2,
  kControlToken = 3,
  kUserDefinedToken = 4,
  kUnusedToken = 5,
  kByteToken = 6
};

struct GgufTensor {
  std::string name;
  GgmlType type;
  std::vector<std::int64_t> shape;  // PyTorch's order: the last dimension is contiguous
  std::span<const std::byte> bytes;
};

// Integers (bool too) are kept as int64, floating point numbers as double.
using GgufValue = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

// An open file, checked as a whole when it is opened. One part of a split file (NAME-00001-of-00003.gguf, as llama.cpp's gguf-split
// names them) stands for all of them: they are read as one, and a part that is missing is named. Immutable, so safe from many threads.
// Every Error is ErrorKind::data and names the file and the key or tensor.
class GgufFile {
 public:
  explicit GgufFile(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool has(const std::string& key) const { return metadata_.contains(key); }
  // Metadata; Error data when the key is missing or of another type.
  [[nodiscard]] std::int64_t integer(const std::string& key) const;
  [[nodiscard]] double number(const std::string& key) const;
  [[nodiscard]] const std::string& text(const std::string& key) const;
  [[nodiscard]] const std::vector<std::int64_t>& integers(const std::string& key) const;
  [[nodiscard]] const std::vector<double>& numbers(const std::string& key) const;
  [[nodiscard]] const std::vector<std::string>& texts(const std::string& key) const;

  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }  // in the order of the file
  [[nodiscard]] const GgufTensor* find(std::string_view name) const;                 // nullptr when there is none

 private:
  template <class T>
  const T& get(const std::string& key, const char* wanted) const;
  void read_part(const std::string& path);
  void read_other_parts();

  std::string path_;
  std::vector<MappedFile> files_;  // the parts
  std::map<std::string, GgufValue> metadata_;
  std::vector<GgufTensor> tensors_;
};

}  // namespace iteralign
