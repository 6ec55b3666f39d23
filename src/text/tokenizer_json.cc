#include "text/tokenizer_json.h"

#include <algorithm>

#include "iteralign/error.h"

namespace iteralign {
namespace {

// Builds the tree event by event, except for model.vocab (when it is an object) and model.merges.
class DocumentReader final : public nlohmann::json_sax<Json> {
 public:
  DocumentReader(std::string_view text, std::string where) : text_(text), where_(std::move(where)) {}

  TokenizerDocument take() { return std::move(document_); }

  bool key(string_t& name) override {
    if (table_ == Table::vocab) {
      token_ = std::move(name);
    } else {
      keys_.back() = std::move(name);
    }
    return true;
  }
  bool start_object(std::size_t) override {
    if (table_ != Table::none) refuse_member();
    if (in_model("vocab")) {
      table_ = Table::vocab;
    } else {
      open(Json::object());
    }
    return true;
  }
  bool end_object() override {
    if (table_ == Table::vocab) {
      table_ = Table::none;
    } else {
      close();
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (table_ == Table::vocab || pair_) refuse_member();
    if (table_ == Table::merges) {
      pair_.emplace();
    } else if (in_model("merges")) {
      table_ = Table::merges;
    } else {
      open(Json::array());
    }
    return true;
  }
  bool end_array() override {
    if (pair_) {
      if (pair_->size() != 2 || (*pair_)[0].empty() || (*pair_)[1].empty()) refuse_member();
      document_.merges.emplace_back(std::move((*pair_)[0]), std::move((*pair_)[1]));
      pair_.reset();
    } else if (table_ == Table::merges) {
      table_ = Table::none;
    } else {
      close();
    }
    return true;
  }
  bool string(string_t& value) override {
    if (table_ == Table::merges) {
      add_merge(std::move(value));
      return true;
    }
    return add(Json(std::move(value)));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (table_ != Table::vocab) return add(Json(value));
    if (value >= kLargestId) refuse_member();
    document_.vocab.emplace_back(std::move(token_), static_cast<std::int32_t>(value));
    return true;
  }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(value)); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool null() override { return add(Json(nullptr)); }
  bool binary(binary_t&) override { return false; }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    const auto end = static_cast<std::ptrdiff_t>(std::min(position, text_.size()));
    const auto line = 1 + std::count(text_.begin(), text_.begin() + end, '\n');
    throw Error(ErrorKind::data, "not valid JSON at byte " + std::to_string(position), where_ + ":" + std::to_string(line),
                "the file is damaged or incomplete: fetch it again");
  }

 private:
  enum class Table { none, vocab, merges };
  static constexpr number_unsigned_t kLargestId = 1U << 28;

  [[nodiscard]] bool in_model(std::string_view name) const { return keys_.size() == 2 && keys_[0] == "model" && keys_[1] == name; }

  [[noreturn]] void refuse_member() const {
    if (table_ == Table::vocab)
      throw Error(ErrorKind::data, "the id of token '" + token_ + "' is not a whole number, or too large", where_ + ": model.vocab");
    throw Error(ErrorKind::data, "merge " + std::to_string(document_.merges.size()) + " is not two tokens", where_ + ": model.merges");
  }

  void add_merge(std::string value) {
    if (pair_) {
      pair_->push_back(std::move(value));
      return;
    }
    if (value.rfind("#version", 0) == 0) return;  // the head of an old merges.txt
    const std::size_t space = value.find(' ');
    if (space == 0 || space >= value.size() - 1 || value.find(' ', space + 1) != std::string::npos) refuse_member();
    document_.merges.emplace_back(value.substr(0, space), value.substr(space + 1));
  }

  Json& place(Json value) {
    if (open_.empty()) return document_.json = std::move(value);
    Json& parent = *open_.back();
    if (!parent.is_array()) return parent[keys_.back()] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }
  bool add(Json value) {
    if (table_ != Table::none) refuse_member();
    place(std::move(value));
    return true;
  }
  void open(Json value) {
    open_.push_back(&place(std::move(value)));
    keys_.emplace_back();
  }
  void close() {
    open_.pop_back();
    keys_.pop_back();
  }

  std::string_view text_;
  std::string where_;
  TokenizerDocument document_;
  std::vector<Json*> open_;        // from the root down; a container does not move while a member of it is open
  std::vector<std::string> keys_;  // of each open container, the key that comes next
  Table table_ = Table::none;
  std::string token_;
  std::optional<std::vector<std::string>> pair_;
};

}  // namespace

void JsonPart::fail(const std::string& what) const { throw Error(ErrorKind::data, what, where_); }

void JsonPart::unknown_type(std::string_view known) const {
  fail("the type '" + type() + "' is not supported; known are " + std::string(known));
}

std::optional<JsonPart> JsonPart::find(const std::string& key) const {
  if (!value_->is_object()) fail("is not an object");
  const auto member = value_->find(key);
  if (member == value_->end() || member->is_null()) return std::nullopt;
  return JsonPart(*member, where_ + (where_.find(": ") == std::string::npos ? ": " : ".") + key);
}

JsonPart JsonPart::at(const std::string& key) const {
  auto member = find(key);
  if (!member) fail("the key '" + key + "' is missing");
  return *member;
}

std::vector<JsonPart> JsonPart::list(const std::string& key) const {
  const JsonPart member = at(key);
  if (!member.value().is_array()) member.fail("is not a list");
  std::vector<JsonPart> items;
  for (std::size_t i = 0; i < member.value().size(); ++i) {
    items.emplace_back(member.value()[i], member.where() + "[" + std::to_string(i) + "]");
  }
  return items;
}

std::string JsonPart::string(const std::string& key) const {
  const JsonPart member = at(key);
  if (!member.value().is_string()) member.fail("is not a string");
  return member.value().get<std::string>();
}

std::string JsonPart::string(const std::string& key, const std::string& missing) const { return find(key) ? string(key) : missing; }

bool JsonPart::boolean(const std::string& key, bool missing) const {
  const auto member = find(key);
  if (!member) return missing;
  if (!member->value().is_boolean()) member->fail("is neither true nor false");
  return member->value().get<bool>();
}

std::int64_t JsonPart::integer(const std::string& key) const {
  const JsonPart member = at(key);
  if (!member.value().is_number_integer()) member.fail("is not a whole number");
  return member.value().get<std::int64_t>();
}

std::int64_t JsonPart::integer(const std::string& key, std::int64_t missing) const { return find(key) ? integer(key) : missing; }

TokenizerDocument parse_tokenizer_json(std::string_view text, const std::string& where) {
  DocumentReader reader(text, where);
  Json::sax_parse(text.begin(), text.end(), &reader);
  return reader.take();
}

}  // namespace iteralign
