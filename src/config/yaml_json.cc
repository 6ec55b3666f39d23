#include "config/yaml_json.h"

namespace iteralign {
namespace {

Json scalar(const YamlValue& value) {
  const std::string& text = value.text;
  if (value.quoted) return text;
  if (text == "true" || text == "false") return text == "true";
  const Json number = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return number.is_number() ? number : Json(text);
}

}  // namespace

Json yaml_to_json(const YamlValue& value) {
  Json made;
  if (value.kind == YamlValue::Kind::scalar) return scalar(value);
  if (value.kind == YamlValue::Kind::sequence) made = Json::array();
  if (value.kind == YamlValue::Kind::map) made = Json::object();
  for (const YamlValue& item : value.items) made.push_back(yaml_to_json(item));
  for (const auto& [name, field] : value.fields) made[name] = yaml_to_json(field);
  return made;
}

}  // namespace iteralign
