#include "config/field_value.h"

#include <yaml-cpp/yaml.h>

namespace iteralign {

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return fmt::format("{}", static_cast<std::int64_t>(value));
  std::string text = fmt::format("{}", value);
  const auto e = text.find('e');
  if (e != std::string::npos && text.find('.') == std::string::npos) text.insert(e, ".0");
  return text;
}

std::string quoted_text(const std::string& value) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << value;
  return out.c_str();
}

std::string range_text(const FieldInfo& info) {
  const bool low = info.min > std::numeric_limits<double>::lowest();
  const bool high = info.max < std::numeric_limits<int>::max();  // what no int holds is no limit that anyone has to know
  if (low && high) return number_text(info.min) + " to " + number_text(info.max);
  std::vector<std::string> parts;
  if (low) parts.push_back("at least " + number_text(info.min));
  if (info.above) parts.push_back("above " + number_text(*info.above));
  if (high) parts.push_back("at most " + number_text(info.max));
  if (info.below) parts.push_back("below " + number_text(*info.below));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace iteralign
