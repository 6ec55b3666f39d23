#pragma once
// Reading tokenizer.json: typed access with errors that name the file and the key, and a reader that keeps the large
// tables (vocabulary, merges) out of the JSON tree.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace iteralign {

// A value with its path. Every method throws Error data at "file: path.key" when the value is not what is asked for.
class JsonPart {
 public:
  JsonPart(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {}

  [[nodiscard]] const Json& value() const { return *value_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& what) const;
  // For the `type` of this part: "unknown TYPE 'x'; known are ...".
  [[noreturn]] void unknown_type(std::string_view known) const;

  [[nodiscard]] std::optional<JsonPart> find(const std::string& key) const;  // nullopt when missing or null
  [[nodiscard]] JsonPart at(const std::string& key) const;
  [[nodiscard]] std::vector<JsonPart> list(const std::string& key) const;
  [[nodiscard]] std::string string(const std::string& key) const;
  [[nodiscard]] std::string string(const std::string& key, const std::string& missing) const;
  [[nodiscard]] bool boolean(const std::string& key, bool missing) const;
  [[nodiscard]] std::int64_t integer(const std::string& key) const;
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t missing) const;
  [[nodiscard]] std::string type() const { return string("type"); }

 private:
  const Json* value_;
  std::string where_;
};

// A tokenizer.json whose model.vocab and model.merges have been taken out of the tree.
struct TokenizerDocument {
  Json json;
  std::vector<std::pair<std::string, std::int32_t>> vocab;
  std::vector<std::pair<std::string, std::string>> merges;  // strings "A B" and pairs ["A", "B"] alike
};

// Throws Error data with the line of a fault.
TokenizerDocument parse_tokenizer_json(std::string_view text, const std::string& where);

}  // namespace iteralign
