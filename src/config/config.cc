#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/field_value.h"
#include "config/fields.h"
#include "config/limits.h"
#include "config/secrets.h"
#include "config/yaml.h"
#include "core/files.h"
#include "core/strings.h"
#include "embedded_config.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// One leaf of the YAML tree, or one override.
struct Setting {
  YamlValue value;
  std::string where;
  bool used = false;
};
using Settings = std::map<std::string, Setting>;

// The keys whose value is a map itself.
const std::vector<std::string>& map_keys() {
  static const std::vector<std::string> kKeys = [] {
    std::vector<std::string> keys;
    Config config;
    visit_fields(config, [&](const FieldInfo& info, const auto& member) {
      using T = std::remove_cvref_t<decltype(member)>;
      if constexpr (std::is_same_v<T, JsonText> || std::is_same_v<T, TextMap>) keys.emplace_back(info.key);
    });
    return keys;
  }();
  return kKeys;
}

bool is_map_key(const std::string& key) { return std::ranges::find(map_keys(), key) != map_keys().end(); }

void flatten(const YamlValue& map, const std::string& prefix, const std::string& path, Settings& settings) {
  for (const auto& [name, value] : map.fields) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    const std::string where = fmt::format("{}:{}", path, value.line);
    if (value.kind == YamlValue::Kind::map && !is_map_key(key)) {
      flatten(value, key, path, settings);
    } else if (!settings.emplace(key, Setting{value, where}).second) {  // `a.b: 1` beside `a: {b: 1}`
      throw Error(ErrorKind::usage, "the key '" + key + "' is there twice, first in " + settings[key].where, where, "remove one of them");
    }
  }
}

// "oracle.headers.X-Title=demo": one of the fields of a map.
void set_field(Setting& map, const std::string& name, const YamlValue& value, const std::string& where) {
  map.value.kind = YamlValue::Kind::map;
  map.where = where;
  for (auto& [known, field] : map.value.fields)
    if (known == name) {
      field = value;
      return;
    }
  map.value.fields.emplace_back(name, value);
}

void add_override(const std::string& text, Settings& settings) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(ErrorKind::usage, "is not of the form key.sub=value", "'" + text + "'", "example: finetune.learning_rate=1.0e-4");
  const std::string where = "'" + text + "'";
  const auto value = parse_yaml(text.substr(equals + 1), where, ErrorKind::usage);
  const std::string key = text.substr(0, equals);
  for (const std::string& map : map_keys())
    if (key.starts_with(map + ".")) return set_field(settings[map], key.substr(map.size() + 1), value, where);
  if (value.kind == YamlValue::Kind::map && !is_map_key(key)) throw Error(ErrorKind::usage, "a value, not a table, is expected", where);
  settings[key] = {value, where};
}

std::string unknown_key(const std::string& key) {
  std::vector<std::string> keys;
  Config config;
  visit_fields(config, [&](const FieldInfo& info, auto&) { keys.emplace_back(info.key); });
  const std::string near = nearest(key, keys);
  return near.empty() ? "there is no such key" : "there is no such key; did you mean '" + near + "'?";
}

// The configurations of older runs stay readable, whatever limits their program had.
enum class Limits { checked, ignored };

void apply(Settings& settings, Config& config, Limits limits) {
  std::vector<std::string> faults;
  const auto complain = [&](const Setting& setting, const std::string& key, const std::string& fault) {
    faults.push_back(fmt::format("{}: {}: {}", setting.where, key, fault));
  };
  visit_fields(config, [&](const FieldInfo& info, auto& member) {
    const auto found = settings.find(info.key);
    if (found == settings.end()) return;
    found->second.used = true;
    if (const std::string fault = read_value(info, found->second.value, member); !fault.empty()) complain(found->second, info.key, fault);
  });
  for (const auto& [key, setting] : settings)
    if (!setting.used) complain(setting, key, unknown_key(key));
  if (limits == Limits::checked)
    for (const auto& [key, fault] : limit_faults(config))
      if (const auto found = settings.find(key); found != settings.end()) complain(found->second, key, fault);
  if (!faults.empty()) throw Error(ErrorKind::usage, join(faults, "\n"));
}

}  // namespace

Config load_config(const std::string& path, const std::vector<std::string>& overrides) {
  if (!exists(path)) throw Error(ErrorKind::usage, "no such file", path, "`iteralign init " + path + "` writes one");
  const auto root = parse_yaml(read_file(path), path, ErrorKind::usage);
  if (root.kind != YamlValue::Kind::null && root.kind != YamlValue::Kind::map)
    throw Error(ErrorKind::usage, "needs `key: value` lines at the top", path);
  Settings settings;
  flatten(root, "", path, settings);
  for (const auto& text : overrides) add_override(text, settings);
  Config config;
  apply(settings, config, Limits::checked);
  if (config.name.empty()) {
    const auto slash = path.find_last_of('/');
    const std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
    config.name = file.substr(0, file.find('.'));
  }
  if (config.name.find('/') != std::string::npos || config.name.starts_with("."))
    throw Error(ErrorKind::usage, "'" + config.name + "' cannot be the name of a folder", "name");
  refuse_secrets(config.oracle);
  return config;
}

Config parse_config(const std::string& yaml, const std::string& where) {
  Settings settings;
  flatten(parse_yaml(yaml, where, ErrorKind::usage), "", where, settings);
  Config config;
  apply(settings, config, Limits::ignored);
  return config;
}

void apply_finetune_overrides(FinetuneConfig& finetune, const std::vector<std::string>& overrides) {
  Settings settings;
  for (const auto& text : overrides) add_override(text.starts_with("finetune.") ? text : "finetune." + text, settings);
  Config config;
  config.finetune = finetune;
  apply(settings, config, Limits::checked);
  finetune = config.finetune;
}

std::string config_template(const std::string& name) { return std::string(embedded_config(name + ".yaml")); }

}  // namespace iteralign
