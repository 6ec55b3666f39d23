// Between JSON and the values of the Jinja interpreter.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "jinja/value.h"

namespace iteralign::jinja {
namespace {

constexpr std::array<std::string_view, 8> kMessageRoles = {"system",   "user",    "assistant", "tool",
                                                           "function", "ipython", "developer", "model"};

Value convert(const Json& json, Origin origin, int depth) {
  if (depth > Value::kMaxDepth) throw Fault{"the messages or variables nest too deep"};
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > INT64_MAX) throw Fault{"an integer grows beyond 64 bits"};
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return Text(json.get_ref<const std::string&>(), origin);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(convert(item, origin, depth + 1));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> entries;
      for (const auto& [key, item] : json.items()) {
        const bool role = key == "role" && item.is_string() &&
                          std::find(kMessageRoles.begin(), kMessageRoles.end(), item.get_ref<const std::string&>()) != kMessageRoles.end();
        entries.emplace_back(Text(key, origin), convert(item, role ? kTemplate : origin, depth + 1));
      }
      return Value::dict(std::move(entries));
    }
    default:
      return {};
  }
}

std::string escape_ascii(std::int32_t code_point) {
  if (code_point < 0x10000) return fmt::format("\\u{:04x}", code_point);
  const std::int32_t rest = code_point - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
}

Text quoted(const Text& text, bool ensure_ascii) {
  Text out("\"");
  out.append(text.map([ensure_ascii](std::string_view run) {
    std::string escaped;
    for (std::size_t at = 0; at < run.size();) {
      const Character c = character_at(run, at);
      switch (c.code_point) {
        case '"':
          escaped += "\\\"";
          break;
        case '\\':
          escaped += "\\\\";
          break;
        case '\n':
          escaped += "\\n";
          break;
        case '\r':
          escaped += "\\r";
          break;
        case '\t':
          escaped += "\\t";
          break;
        case '\f':
          escaped += "\\f";
          break;
        case '\b':
          escaped += "\\b";
          break;
        default:
          if ((c.code_point >= 0 && c.code_point < 0x20) || (ensure_ascii && c.code_point > 0x7E))
            escaped += escape_ascii(c.code_point);
          else
            escaped += run.substr(at, c.size);
      }
      at += c.size;
    }
    return escaped;
  }));
  out.append("\"");
  return out;
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const Value& value) {
    if (const Text* text = value.text()) return out_.append(quoted(*text, style_.ensure_ascii));
    if (const DictData* dict = value.dict()) return write_dict(*dict);
    if (const ListData* list = value.list(); list != nullptr && (list->kind == ListKind::list || list->kind == ListKind::tuple))
      return write_list(*list);
    out_.append(scalar(value));
  }

  Text take() { return std::move(out_); }

 private:
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is_bool()) return value.truthy() ? "true" : "false";
    if (value.is_integer()) return value.repr().bytes();
    if (!value.is_float()) throw Fault{"Object of type " + value.type_name() + " is not JSON serializable"};
    if (std::isnan(value.number())) return "NaN";
    if (std::isinf(value.number())) return value.number() > 0 ? "Infinity" : "-Infinity";
    return value.repr().bytes();
  }

  void break_line() {
    if (!style_.indent) return;
    out_.append("\n");
    for (int i = 0; i < level_; ++i) out_.append(*style_.indent);
  }

  void write_list(const ListData& list) {
    if (list.items.empty()) return out_.append("[]");
    out_.append("[");
    ++level_;
    for (const Value& item : list.items) {
      if (&item != &list.items.front()) out_.append(style_.item_separator);
      break_line();
      write(item);
    }
    --level_;
    break_line();
    out_.append("]");
  }

  void write_dict(const DictData& dict) {
    if (dict.entries.empty()) return out_.append("{}");
    auto entries = dict.entries;
    if (style_.sort_keys)
      std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return compare(a.first, b.first, "<") < 0; });
    out_.append("{");
    ++level_;
    for (const auto& [key, item] : entries) {
      if (&key != &entries.front().first) out_.append(style_.item_separator);
      break_line();
      out_.append(quoted(key.is_string() ? *key.text() : Text(scalar(key)), style_.ensure_ascii));
      out_.append(style_.key_separator);
      write(item);
    }
    --level_;
    break_line();
    out_.append("}");
  }

  const JsonStyle& style_;
  Text out_;
  int level_ = 0;
};

}  // namespace

Value from_json(const Json& json, Origin origin) { return convert(json, origin, 0); }

Text to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value);
  return writer.take();
}

}  // namespace iteralign::jinja
