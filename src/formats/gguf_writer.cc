#include "formats/gguf_writer.h"

#include <cstring>
#include <numeric>
#include <string_view>
#include <type_traits>

#include "core/files.h"
#include "formats/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::size_t kLongestName = 63;

enum ValueType : std::uint32_t { kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kString = 8, kArray = 9 };

class Header {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void put(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
  }
  void put(std::string_view text) {
    put(static_cast<std::uint64_t>(text.size()));
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), bytes, bytes + text.size());
  }
  void put_value(bool value) { put_typed(kBool, static_cast<std::uint8_t>(value)); }
  void put_value(std::uint32_t value) { put_typed(kU32, value); }
  void put_value(float value) { put_typed(kF32, value); }
  void put_value(const std::string& value) {
    put(static_cast<std::uint32_t>(kString));
    put(std::string_view(value));
  }
  void put_value(const std::vector<std::int32_t>& values) { put_array(kI32, values); }
  void put_value(const std::vector<float>& values) { put_array(kF32, values); }
  void put_value(const std::vector<std::string>& values) { put_array(kString, values); }

  void pad() { bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  template <class T>
  void put_typed(ValueType type, T value) {
    put(static_cast<std::uint32_t>(type));
    put(value);
  }
  template <class T>
  void put_array(ValueType type, const std::vector<T>& values) {
    put(static_cast<std::uint32_t>(kArray));
    put(static_cast<std::uint32_t>(type));
    put(static_cast<std::uint64_t>(values.size()));
    for (const T& value : values) {
      if constexpr (std::is_same_v<T, std::string>) {
        put(std::string_view(value));
      } else {
        put(value);
      }
    }
  }

  std::vector<std::byte> bytes_;
};

std::uint64_t padded(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::uint64_t bytes_of(const GgufSource& tensor) { return gguf_bytes(tensor.type, element_count(tensor.shape)); }

Header make_header(const std::string& path, const GgufMetadata& metadata, const std::vector<GgufSource>& tensors) {
  Header header;
  header.put(std::uint32_t{0x46554747});  // "GGUF"
  header.put(std::uint32_t{3});
  header.put(static_cast<std::uint64_t>(tensors.size()));
  header.put(static_cast<std::uint64_t>(metadata.size()));
  for (const auto& [key, field] : metadata) {
    header.put(std::string_view(key));
    std::visit([&](const auto& value) { header.put_value(value); }, field);
  }
  std::uint64_t offset = 0;
  for (const GgufSource& tensor : tensors) {
    if (tensor.name.size() > kLongestName)
      throw Error(ErrorKind::data, "the tensor name " + tensor.name + " is longer than GGUF files allow", path);
    header.put(std::string_view(tensor.name));
    header.put(static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) header.put(static_cast<std::uint64_t>(*size));
    header.put(static_cast<std::uint32_t>(tensor.type));
    header.put(offset);
    offset += padded(bytes_of(tensor));
  }
  header.pad();
  return header;
}

}  // namespace

void write_gguf(const std::string& path, const GgufMetadata& metadata, const std::vector<GgufSource>& tensors) {
  PendingFile file(path);
  file.write(make_header(path, metadata, tensors).bytes());
  std::vector<std::byte> bytes;
  for (const GgufSource& tensor : tensors) {
    const std::uint64_t size = bytes_of(tensor);
    bytes.assign(padded(size), std::byte{0});
    gguf_quantize(tensor.type, tensor.values(), std::span(bytes).first(size));
    file.write(bytes);
  }
  file.commit();
}

}  // namespace iteralign
