#pragma once
// GGUF files made by hand.

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

class GgufBuilder {
 public:
  GgufBuilder& key(const std::string& key, std::uint32_t type, const std::string& value) {
    keys_ += text(key) + raw(type) + value;
    ++key_count_;
    return *this;
  }
  GgufBuilder& u32(const std::string& name, std::uint32_t value) { return key(name, 4, raw(value)); }
  GgufBuilder& f32(const std::string& name, float value) { return key(name, 6, raw(value)); }
  GgufBuilder& flag(const std::string& name, bool value) { return key(name, 7, std::string(1, value ? 1 : 0)); }
  GgufBuilder& string(const std::string& name, const std::string& value) { return key(name, 8, text(value)); }
  GgufBuilder& strings(const std::string& name, const std::vector<std::string>& values) {
    std::string bytes = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
    for (const auto& value : values) bytes += text(value);
    return key(name, 9, bytes);
  }
  GgufBuilder& i32s(const std::string& name, const std::vector<std::int32_t>& values) { return array(name, 5, values); }
  GgufBuilder& f32s(const std::string& name, const std::vector<float>& values) { return array(name, 6, values); }

  // `dims` in ggml's order: the contiguous dimension first.
  GgufBuilder& tensor(const std::string& name, const std::vector<std::uint64_t>& dims, std::uint32_t type, const std::string& bytes) {
    infos_ += text(name) + raw(static_cast<std::uint32_t>(dims.size()));
    for (const auto dim : dims) infos_ += raw(dim);
    infos_ += raw(type) + raw<std::uint64_t>(data_.size());
    data_ += bytes;
    data_.resize((data_.size() + 31) / 32 * 32);
    ++tensor_count_;
    return *this;
  }
  GgufBuilder& f32_tensor(const std::string& name, const std::vector<std::uint64_t>& dims, const std::vector<float>& values) {
    return tensor(name, dims, 0, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }

  [[nodiscard]] std::string build(std::uint32_t version = 3) const {
    std::string file = "GGUF" + raw(version) + raw(tensor_count_) + raw(key_count_) + keys_ + infos_;
    file.resize((file.size() + 31) / 32 * 32);
    return file + data_;
  }

  template <class T>
  static std::string raw(T value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
  }
  static std::string text(const std::string& value) { return raw<std::uint64_t>(value.size()) + value; }

 private:
  template <class T>
  GgufBuilder& array(const std::string& name, std::uint32_t type, const std::vector<T>& values) {
    std::string bytes = raw(type) + raw<std::uint64_t>(values.size());
    for (const auto value : values) bytes += raw(value);
    return key(name, 9, bytes);
  }

  std::string keys_, infos_, data_;
  std::uint64_t key_count_ = 0, tensor_count_ = 0;
};
