#pragma once
// config.json with typed access.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "iteralign/error.h"

namespace iteralign {

// One object of the file; every message names the file and the key. A key that is null counts as missing.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) throw Error(ErrorKind::data, "is not a JSON object", where_);
  }

  // The value, or nullptr when the key is missing or null.
  [[nodiscard]] const Json* find(const std::string& key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  // The object `key`, or one without keys.
  [[nodiscard]] Fields object(const std::string& key) const {
    static const Json empty = Json::object();
    const Json* object = find(key);
    return {object == nullptr ? empty : *object, object == nullptr ? where_ : where_ + ": " + key};
  }
  // Also when it is null.
  [[nodiscard]] bool contains(const std::string& key) const { return object_.contains(key); }
  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(ErrorKind::data, key + " " + what, where_, "correct " + key);
  }

  // A whole number of at least `minimum`.
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& key, std::int64_t minimum) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_integer() || value->get<std::int64_t>() < minimum || value->get<std::int64_t>() > INT32_MAX) {
      fail(key, "is " + dump_json(*value) + ", not a whole number of at least " + std::to_string(minimum));
    }
    return value->get<std::int64_t>();
  }
  [[nodiscard]] std::optional<double> positive(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !(value->get<double>() > 0)) fail(key, "is " + dump_json(*value) + ", not a positive number");
    return value->get<double>();
  }
  [[nodiscard]] bool boolean(const std::string& key, bool otherwise = false) const {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) fail(key, "is " + dump_json(*value) + ", not true or false");
    return value->get<bool>();
  }
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) fail(key, "is " + dump_json(*value) + ", not a string");
    return value->get<std::string>();
  }
  // A list of `size` positive numbers.
  [[nodiscard]] std::vector<double> positives(const std::string& key, std::int64_t size) const {
    const Json* value = find(key);
    if (value == nullptr) fail(key, "is missing");
    std::vector<double> numbers;
    for (const Json& number : *value) numbers.push_back(number.is_number() ? number.get<double>() : 0);
    if (!value->is_array() || static_cast<std::int64_t>(numbers.size()) != size ||
        !std::ranges::all_of(numbers, [](double x) { return x > 0; }))
      fail(key, "is not a list of " + std::to_string(size) + " positive numbers");
    return numbers;
  }
  // One id or a list of ids.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> ids(const std::string& key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    std::vector<std::int64_t> ids;
    for (const auto& id : value->is_array() ? *value : Json::array({*value})) {
      if (!id.is_number_integer()) fail(key, "is " + dump_json(*value) + ", not a token id or a list of them");
      ids.push_back(id.get<std::int64_t>());
    }
    return ids;
  }
  [[nodiscard]] std::int64_t first_id(const std::string& key) const {
    const auto all = ids(key);
    return !all || all->empty() ? -1 : all->front();
  }
  [[nodiscard]] bool empty() const { return object_.empty(); }
  [[nodiscard]] const Json& json() const { return object_; }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace iteralign
