#include "jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace iteralign::jinja {
namespace {

[[noreturn]] void refuse(const std::string& op, const Value& a, const Value& b) {
  if (a.is_undefined() || b.is_undefined()) throw Fault{(a.is_undefined() ? a : b).undefined_what()};
  throw Fault{fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", op, a.type_name(), b.type_name())};
}

[[noreturn]] void refuse_overflow() { throw Fault{"an integer grows beyond 64 bits"}; }

// Python rounds // and % towards minus infinity.
std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (a == INT64_MIN && b == -1) refuse_overflow();
  const std::int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

double floor_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  std::int64_t power = 1;
  if (base == 0 || base == 1) return exponent == 0 ? std::int64_t{1} : base;
  if (base == -1) return std::int64_t{exponent % 2 == 0 ? 1 : -1};
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(power, base, &power)) refuse_overflow();
  return power;
}

Value integer_arithmetic(const std::string& op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  if (op == "+") overflow = __builtin_add_overflow(a, b, &result);
  if (op == "-") overflow = __builtin_sub_overflow(a, b, &result);
  if (op == "*") overflow = __builtin_mul_overflow(a, b, &result);
  if (op == "**") return integer_power(a, b);
  if (op == "/" || op == "//" || op == "%") {
    if (b == 0) throw Fault{"division by zero"};
    if (op == "/") return static_cast<double>(a) / static_cast<double>(b);
    const std::int64_t quotient = floor_divide(a, b);
    result = op == "//" ? quotient : a - quotient * b;
  }
  if (overflow) refuse_overflow();
  return result;
}

Value float_arithmetic(const std::string& op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "**") return std::pow(a, b);
  if (b == 0) throw Fault{"float division by zero"};
  if (op == "/") return a / b;
  return op == "//" ? std::floor(a / b) : floor_modulo(a, b);
}

// "ab" * 3, [0] * 3
Value repeat(const Value& sequence, std::int64_t times) {
  times = std::max<std::int64_t>(times, 0);
  if (const Text* text = sequence.text()) {
    Text repeated;
    for (std::int64_t i = 0; i < times && !text->empty(); ++i) repeated.append(*text);
    return {repeated, sequence.is_safe()};
  }
  std::vector<Value> items;
  const auto& part = sequence.list()->items;
  for (std::int64_t i = 0; i < times && !part.empty(); ++i) {
    if (items.size() > Text::kMaxBytes / sizeof(Value)) throw Fault{"a list grows too long"};
    items.insert(items.end(), part.begin(), part.end());
  }
  return Value::list(std::move(items), sequence.list()->kind);
}

bool is_sequence(const Value& v) {
  return v.is_string() || (v.list() != nullptr && (v.list()->kind == ListKind::list || v.list()->kind == ListKind::tuple));
}

Value join_lists(const Value& a, const Value& b) {
  std::vector<Value> items = a.list()->items;
  items.insert(items.end(), b.list()->items.begin(), b.list()->items.end());
  return Value::list(std::move(items), a.list()->kind);
}

std::int64_t slice_bound(const Value& value, std::int64_t missing, std::int64_t length, bool backwards) {
  if (value.is_none()) return missing;
  if (!value.is_integer()) throw Fault{"slice indices must be integers or None"};
  std::int64_t at = value.integer();
  if (at < 0) at += length;
  return std::clamp<std::int64_t>(at, backwards ? -1 : 0, backwards ? length - 1 : length);
}

}  // namespace

Value arithmetic(const std::string& op, const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return integer_arithmetic(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return float_arithmetic(op, a.number(), b.number());
  if (op == "+") {
    if (a.is_string() && b.is_string()) return concatenate(a, b);
    if (is_sequence(a) && is_sequence(b) && a.list() != nullptr && b.list() != nullptr && a.list()->kind == b.list()->kind)
      return join_lists(a, b);
  }
  if (op == "*") {
    if (is_sequence(a) && b.is_integer()) return repeat(a, b.integer());
    if (a.is_integer() && is_sequence(b)) return repeat(b, a.integer());
  }
  if (op == "%" && a.is_string() && !a.is_safe()) return format_percent(*a.text(), b);
  refuse(op, a, b);
}

Value negate(const Value& a) {
  if (a.is_undefined()) throw Fault{a.undefined_what()};
  if (a.is_float()) return -a.number();
  if (!a.is_integer()) throw Fault{"bad operand type for unary -: '" + a.type_name() + "'"};
  return integer_arithmetic("-", 0, a.integer());
}

Value item_of(const Value& container, const Value& index) {
  const auto nothing = [&] {
    return Value::undefined(index.is_string() ? fmt::format("'{} object' has no attribute {}", container.type_name(), index.repr().bytes())
                                              : fmt::format("{} object has no element {}", container.type_name(), index.str().bytes()));
  };
  if (container.dict() != nullptr) {
    const Value* found = container.find(index);
    return found != nullptr ? *found : nothing();
  }
  if (!is_sequence(container) || !index.is_integer()) return nothing();
  const auto length = static_cast<std::int64_t>(container.length());
  const std::int64_t at = index.integer() < 0 ? index.integer() + length : index.integer();
  if (at < 0 || at >= length) return nothing();
  if (container.list() != nullptr) return container.list()->items[static_cast<std::size_t>(at)];
  const auto starts = character_starts(container.text()->bytes());
  return {container.text()->substr(starts[static_cast<std::size_t>(at)], starts[static_cast<std::size_t>(at) + 1]), container.is_safe()};
}

Value slice_of(const Value& container, const Value& begin, const Value& end, const Value& step_value) {
  if (container.is_undefined()) throw Fault{container.undefined_what()};
  if (!is_sequence(container)) throw Fault{"'" + container.type_name() + "' object is not subscriptable by a slice"};
  if (!step_value.is_none() && !step_value.is_integer()) throw Fault{"slice indices must be integers or None"};
  const std::int64_t step = step_value.is_none() ? 1 : step_value.integer();
  if (step == 0) throw Fault{"slice step cannot be zero"};
  const auto length = static_cast<std::int64_t>(container.length());
  const bool backwards = step < 0;
  const std::int64_t first = slice_bound(begin, backwards ? length - 1 : 0, length, backwards);
  const std::int64_t last = slice_bound(end, backwards ? -1 : length, length, backwards);
  const std::int64_t stride = std::clamp(step, -length - 1, length + 1);

  if (const Text* text = container.text()) {
    const auto starts = character_starts(text->bytes());
    if (stride == 1 || first >= last) {
      if (!backwards) return {first < last ? text->substr(starts[first], starts[last]) : Text(), container.is_safe()};
    }
    Text part;
    for (std::int64_t i = first; backwards ? i > last : i < last; i += stride) part.append(text->substr(starts[i], starts[i + 1]));
    return {part, container.is_safe()};
  }
  std::vector<Value> items;
  for (std::int64_t i = first; backwards ? i > last : i < last; i += stride) items.push_back(container.list()->items[i]);
  return Value::list(std::move(items), container.list()->kind);
}

Text escape_html(const Text& text) {
  return text.map([](std::string_view run) {
    std::string escaped;
    for (const char c : run) {
      switch (c) {
        case '&':
          escaped += "&amp;";
          break;
        case '<':
          escaped += "&lt;";
          break;
        case '>':
          escaped += "&gt;";
          break;
        case '"':
          escaped += "&#34;";
          break;
        case '\'':
          escaped += "&#39;";
          break;
        default:
          escaped += c;
      }
    }
    return escaped;
  });
}

Value concatenate(const Value& a, const Value& b) {
  const bool safe = a.is_safe() || b.is_safe();
  Text joined = safe && !a.is_safe() ? escape_html(*a.text()) : *a.text();
  joined.append(safe && !b.is_safe() ? escape_html(*b.text()) : *b.text());
  return {std::move(joined), safe};
}

bool equal(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return a.integer() == b.integer();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.is_string() && b.is_string()) return a.text()->bytes() == b.text()->bytes();
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (a.dict() != nullptr && b.dict() != nullptr) {
    const auto& entries = a.dict()->entries;
    return entries.size() == b.dict()->entries.size() && std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
             const Value* other = b.find(entry.first);
             return other != nullptr && equal(entry.second, *other);
           });
  }
  if (is_sequence(a) && is_sequence(b) && a.list() != nullptr && b.list() != nullptr) {
    const auto &left = a.list()->items, &right = b.list()->items;
    return a.list()->kind == b.list()->kind && std::equal(left.begin(), left.end(), right.begin(), right.end(), equal);
  }
  return a.list() == b.list() && a.name_space() == b.name_space() && a.callable() == b.callable() && a.loop() == b.loop() &&
         a.type_name() == b.type_name();
}

int compare(const Value& a, const Value& b, const char* op) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (a.is_integer() && b.is_integer()) return order(a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return order(a.number(), b.number());
  if (a.is_string() && b.is_string()) return order(a.text()->bytes(), b.text()->bytes());  // UTF-8 sorts as code points do
  if (is_sequence(a) && is_sequence(b) && a.list() != nullptr && b.list() != nullptr && a.list()->kind == b.list()->kind) {
    const auto &left = a.list()->items, &right = b.list()->items;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i)
      if (!equal(left[i], right[i])) return compare(left[i], right[i], op);
    return order(left.size(), right.size());
  }
  if (a.is_undefined() || b.is_undefined()) throw Fault{(a.is_undefined() ? a : b).undefined_what()};
  throw Fault{fmt::format("'{}' not supported between instances of '{}' and '{}'", op, a.type_name(), b.type_name())};
}

bool contains(const Value& container, const Value& item) {
  if (const Text* text = container.text()) {
    if (item.is_string()) return text->bytes().find(item.text()->bytes()) != std::string::npos;
    throw Fault{"'in <string>' requires string as left operand, not " + item.type_name()};
  }
  if (container.dict() != nullptr) {
    if (item.dict() != nullptr || (item.list() != nullptr && item.list()->kind != ListKind::tuple))
      throw Fault{"unhashable type: '" + item.type_name() + "'"};
    return container.find(item) != nullptr;
  }
  if (!container.iterable()) throw Fault{"argument of type '" + container.type_name() + "' is not iterable"};
  const std::vector<Value> items = container.iterate();
  return std::any_of(items.begin(), items.end(), [&](const Value& other) { return equal(other, item); });
}

}  // namespace iteralign::jinja
