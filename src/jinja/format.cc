// Formatting as Python's str % arguments, and as str.format where the fields are plain.

#include <algorithm>
#include <cstdio>

#include "jinja/operators.h"

namespace iteralign::jinja {
namespace {

constexpr int kMaxWidth = 4096;

// One conversion: %(key)-08.3f
struct Conversion {
  std::string key, flags;
  int width = -1, precision = -1;
  char type = 0;
};

class Formatter {
 public:
  Formatter(const Text& format, const Value& arguments) : format_(format), arguments_(arguments) {}

  Text run() {
    const std::string& bytes = format_.bytes();
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t percent = std::min(bytes.find('%', at), bytes.size());
      out_.append(format_.substr(at, percent));
      if (percent == bytes.size()) break;
      at_ = percent + 1;
      convert(parse());
      at = at_;
    }
    const bool one = !is_tuple() && arguments_.dict() == nullptr;
    if ((one && next_ == 0) || (is_tuple() && next_ < arguments_.list()->items.size()))
      throw Fault{"not all arguments converted during string formatting"};
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_tuple() const { return arguments_.list() != nullptr && arguments_.list()->kind == ListKind::tuple; }

  char peek() {
    if (at_ >= format_.size()) throw Fault{"incomplete format"};
    return format_.bytes()[at_];
  }

  int number() {
    int n = -1;
    while (at_ < format_.size() && peek() >= '0' && peek() <= '9') {
      n = std::max(n, 0) * 10 + (format_.bytes()[at_++] - '0');
      if (n > kMaxWidth) throw Fault{"a width in a format is too large"};
    }
    return n;
  }

  Conversion parse() {
    Conversion c;
    if (peek() == '(') {
      const std::size_t close = format_.bytes().find(')', at_);
      if (close == std::string::npos) throw Fault{"incomplete format key"};
      c.key = format_.bytes().substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
      if (arguments_.dict() == nullptr) throw Fault{"format requires a mapping"};
    }
    while (std::string_view("#0- +").find(peek()) != std::string_view::npos) c.flags += format_.bytes()[at_++];
    c.width = number();
    if (peek() == '.') {
      ++at_;
      c.precision = std::max(number(), 0);
    }
    c.type = peek();
    ++at_;
    return c;
  }

  Value argument(const Conversion& c) {
    if (!c.key.empty()) {
      const Value* found = arguments_.find(c.key);
      if (found == nullptr) throw Fault{"KeyError: '" + c.key + "'"};
      return *found;
    }
    if (!is_tuple()) {
      if (next_++ > 0) throw Fault{"not enough arguments for format string"};
      return arguments_;
    }
    if (next_ >= arguments_.list()->items.size()) throw Fault{"not enough arguments for format string"};
    return arguments_.list()->items[next_++];
  }

  void convert(const Conversion& c) {
    if (c.type == '%') return out_.append("%");
    const Value value = argument(c);
    if (c.type == 's' || c.type == 'r') return put_text(c, c.type == 's' ? value.str() : value.repr());
    if (!value.is_number()) throw Fault{std::string("%") + c.type + " format: a real number is required, not " + value.type_name()};
    switch (c.type) {
      case 'd':
      case 'i':
      case 'u':
        return put_number(c, "lld", static_cast<long long>(value.is_float() ? to_integer(value) : value.integer()));
      case 'x':
      case 'X':
      case 'o':
        if (value.is_float() || value.integer() < 0) throw Fault{std::string("%") + c.type + " format: a natural number is required"};
        return put_number(c, std::string("ll") + c.type, static_cast<long long>(value.integer()));
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
        return put_number(c, std::string(1, c.type), value.number());
      default:
        throw Fault{std::string("unsupported format character '") + c.type + "'"};
    }
  }

  static std::int64_t to_integer(const Value& value) {
    if (!(value.number() > -9e18 && value.number() < 9e18)) throw Fault{"%d format: a number is out of range"};
    return static_cast<std::int64_t>(value.number());
  }

  void put_text(const Conversion& c, const Text& text) {
    const auto starts = character_starts(text.bytes());
    const std::size_t shown = c.precision < 0 ? starts.size() - 1 : std::min(starts.size() - 1, static_cast<std::size_t>(c.precision));
    const std::string padding(c.width > static_cast<int>(shown) ? c.width - shown : 0, ' ');
    const bool left = c.flags.find('-') != std::string::npos;
    if (!left) out_.append(padding);
    out_.append(text.substr(0, starts[shown]));
    if (left) out_.append(padding);
  }

  template <class Number>
  void put_number(const Conversion& c, const std::string& type, Number number) {
    std::string format = "%" + c.flags;
    if (c.width >= 0) format += std::to_string(c.width);
    if (c.precision >= 0) format += "." + std::to_string(c.precision);
    format += type;
    std::string digits(static_cast<std::size_t>(2 * kMaxWidth + 400), '\0');  // a double has up to 309 digits before the point
    const int size = std::snprintf(digits.data(), digits.size(), format.c_str(), number);
    out_.append(std::string_view(digits).substr(0, static_cast<std::size_t>(std::max(size, 0))));
  }

  const Text& format_;
  const Value& arguments_;
  Text out_;
  std::size_t at_ = 0, next_ = 0;
};

// What stands between braces: the next argument, a place or a name.
const Value& field_value(const std::string& field, const Arguments& arguments, std::size_t& next) {
  const bool place = std::all_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (place && field.size() < 9) {
    const std::size_t i = field.empty() ? next++ : std::stoul(field);
    if (i >= arguments.positional.size()) throw Fault{"format(): no argument for {" + field + "}"};
    return arguments.positional[i];
  }
  for (const auto& [name, value] : arguments.keyword)
    if (name == field) return value;
  throw Fault{"format(): {" + field + "} is neither a place nor the name of an argument"};
}

}  // namespace

Text format_braces(const Text& format, const Arguments& arguments) {
  const std::string& bytes = format.bytes();
  Text out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t brace = std::min(bytes.find_first_of("{}", at), bytes.size());
    out.append(format.substr(at, brace));
    if (brace == bytes.size()) break;
    if (bytes.compare(brace + 1, 1, bytes, brace, 1) == 0) {  // {{ or }}
      out.append(format.substr(brace, brace + 1));
      at = brace + 2;
      continue;
    }
    const std::size_t close = bytes.find('}', brace);
    if (bytes[brace] == '}' || close == std::string::npos) throw Fault{"format(): a single brace"};
    out.append(field_value(bytes.substr(brace + 1, close - brace - 1), arguments, next).str());
    at = close + 1;
  }
  return out;
}

Value format_percent(const Text& format, const Value& arguments) { return Formatter(format, arguments).run(); }

}  // namespace iteralign::jinja
