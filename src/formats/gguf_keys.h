#pragma once
// The keys that a GGUF file has of its architecture: "block_count" is llama.block_count in a file of the architecture llama.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/json.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace iteralign {

// The shortest number that is this one in float32: 0.00001f is meant as 1e-5, not as 9.999999747378752e-06.
double gguf_shortest(double value);

// Of an open file. Error data when a key is not there or of another type.
class GgufKeys {
 public:
  explicit GgufKeys(const GgufFile& file) : file_(file), prefix_(file.text("general.architecture") + ".") {}

  [[nodiscard]] bool has(const std::string& key) const { return file_.has(prefix_ + key); }
  [[nodiscard]] std::int64_t integer(const std::string& key) const { return file_.integer(prefix_ + key); }
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t otherwise) const { return has(key) ? integer(key) : otherwise; }
  [[nodiscard]] double number(const std::string& key) const { return gguf_shortest(file_.number(prefix_ + key)); }
  [[nodiscard]] double number(const std::string& key, double otherwise) const { return has(key) ? number(key) : otherwise; }
  [[nodiscard]] std::string full(const std::string& key) const { return prefix_ + key; }
  [[nodiscard]] bool has_tensor(const std::string& name) const { return file_.find(name) != nullptr; }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

// attention_bias of config.json: whether q of the first layer has a bias.
void read_gguf_attention_bias(const GgufKeys& keys, Json& config);

// Of a file to be written.
class GgufKeyWriter {
 public:
  explicit GgufKeyWriter(std::string_view architecture) : prefix_(std::string(architecture) + ".") {}

  void count(const char* key, std::int64_t value) { all_.emplace_back(prefix_ + key, static_cast<std::uint32_t>(value)); }
  void number(const char* key, double value) { all_.emplace_back(prefix_ + key, static_cast<float>(value)); }
  void text(const char* key, std::string value) { all_.emplace_back(prefix_ + key, std::move(value)); }
  GgufMetadata take() { return std::move(all_); }

 private:
  std::string prefix_;
  GgufMetadata all_;
};

}  // namespace iteralign
