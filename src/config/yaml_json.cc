#include "config/yaml_json.h"

#include <string>

namespace iteralign {
namespace {

Json scalar(const YamlValue& value) {
  const std::string& text = value.text;
  if (value.quoted) return text;
  if (text == "true" || text == "false") return text == "true";
  if (text.empty() || text == "null" || text == "~") return nullptr;
  const Json number = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return number.is_number() ? number : Json(text);
}

}  // namespace

Json yaml_to_json(const YamlValue& value) {
  switch (value.kind) {
    case YamlValue::Kind::null:
      return nullptr;
    case YamlValue::Kind::scalar:
      return scalar(value);
    case YamlValue::Kind::sequence: {
      Json list = Json::array();
      for (const YamlValue& item : value.items) list.push_back(yaml_to_json(item));
      return list;
    }
    case YamlValue::Kind::map:
      break;
  }
  Json object = Json::object();
  for (const auto& [name, field] : value.fields) object[name] = yaml_to_json(field);
  return object;
}

}  // namespace iteralign
