#include "data/jailbreak_templates.h"

#include <filesystem>

#include "config/yaml.h"
#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kForm = "a jailbreak is YAML with its text under `value`, and {{ prompt }} where the request goes";

JailbreakTemplate read_template(const std::string& path) {
  const YamlValue file = parse_yaml(read_file(path), path, ErrorKind::data);
  const YamlValue* text = file.find("value");
  if (text == nullptr || text->kind != YamlValue::Kind::scalar) throw Error(ErrorKind::data, "has no text `value`", path, kForm);
  if (const YamlValue* parameters = file.find("parameters"))
    for (const YamlValue& parameter : parameters->items)
      if (parameter.text != "prompt")
        throw Error(ErrorKind::data, "asks for `" + parameter.text + "` beside the prompt", path, std::string("remove the file; ") + kForm);
  return {std::filesystem::path(path).parent_path().filename().string(), path, jinja::Template(text->text, path)};
}

}  // namespace

std::vector<JailbreakTemplate> read_jailbreak_templates(const std::string& folder) {
  std::vector<JailbreakTemplate> templates;
  for (const std::string& path : list_files(folder))
    if (path.ends_with(".yaml") || path.ends_with(".yml")) templates.push_back(read_template(path));
  return templates;
}

std::string jailbreak(const JailbreakTemplate& around, const std::string& request) {
  const std::string text = around.text.render({{"prompt", jinja::Value(jinja::Text(request, jinja::kData))}}).bytes();
  if (!contains(text, request)) throw Error(ErrorKind::data, "has no place for a request", around.path, kForm);
  return std::string(trim(text));
}

}  // namespace iteralign
