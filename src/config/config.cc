#include "config/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <map>
#include <type_traits>

#include "config/fields.h"
#include "config/secrets.h"
#include "config/yaml.h"
#include "config/yaml_json.h"
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
      if constexpr (std::is_same_v<T, JsonText> || std::is_same_v<T, std::map<std::string, std::string>>) keys.emplace_back(info.key);
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

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return fmt::format("{}", static_cast<std::int64_t>(value));
  std::string text = fmt::format("{}", value);
  // PyYAML takes 2e-06 for a string: keep a point in the mantissa.
  const auto e = text.find('e');
  if (e != std::string::npos && text.find('.') == std::string::npos) text.insert(e, ".0");
  return text;
}

// What a field accepts, for messages and the reference page.
template <class T>
std::string type_text() {
  if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_same_v<T, std::string>)
    return "text";
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return "list of texts";
  else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>)
    return "names and texts";
  else if constexpr (std::is_same_v<T, JsonText>)
    return "names and values";
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else
    return "whole number";
}

std::string limits_text(const FieldInfo& info) {
  if (!info.choices.empty()) return join(info.choices, ", ");
  const bool low = std::isfinite(info.min), high = std::isfinite(info.max);
  if (low && high) return number_text(info.min) + " to " + number_text(info.max);
  if (low) return "at least " + number_text(info.min);
  return {};
}

template <class T>
bool read_number(const std::string& text, T& value) {
  double parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  if constexpr (std::is_integral_v<T>) {
    // Seeds use all 64 bits, which a double does not hold.
    const auto [int_end, int_error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (int_error == std::errc{} && int_end == text.data() + text.size()) return true;
    if (parsed != std::floor(parsed) || std::abs(parsed) > 9e15) return false;
  }
  value = static_cast<T>(parsed);
  return true;
}

// Returns what is wrong, or "".
template <class T>
std::string read_value(const FieldInfo& info, const YamlValue& node, T& value) {
  using Kind = YamlValue::Kind;
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    value.clear();
    for (const YamlValue& item : node.items) {
      if (item.kind != Kind::scalar) return "needs a list of texts";
      value.push_back(item.text);
    }
    if (!node.text.empty()) value.push_back(node.text);
    return {};
  } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
    value.clear();
    if (node.kind != Kind::map) return node.kind == Kind::null ? "" : "needs `name: text` lines";
    for (const auto& [name, text] : node.fields) {
      if (text.kind != Kind::scalar) return "needs a text for " + name;
      value[name] = text.text;
    }
    return {};
  } else if constexpr (std::is_same_v<T, JsonText>) {
    if (node.kind != Kind::map && node.kind != Kind::null) return "needs `name: value` lines";
    value.text = node.fields.empty() ? "" : dump_json(yaml_to_json(node));
    return {};
  } else {
    if (node.kind == Kind::null && std::is_same_v<T, std::string>) {
      if constexpr (std::is_same_v<T, std::string>) value.clear();
      return {};
    }
    if (node.kind != Kind::scalar) return "needs a " + type_text<T>();
    const std::string& text = node.text;
    if constexpr (std::is_same_v<T, std::string>)
      value = text;
    else if constexpr (std::is_same_v<T, bool>) {
      if (text != "true" && text != "false") return fmt::format("'{}' is neither true nor false", text);
      value = text == "true";
    } else {
      if (!read_number(text, value)) return fmt::format("'{}' is not a {}", text, type_text<T>());
      if (const auto number = static_cast<double>(value); !(number >= info.min && number <= info.max))
        return fmt::format("{} is out of range: {}", text, limits_text(info));
    }
    if constexpr (std::is_same_v<T, std::string>)
      if (!info.choices.empty() && std::find(info.choices.begin(), info.choices.end(), value) == info.choices.end())
        return fmt::format("'{}' is not one of: {}", value, limits_text(info));
    return {};
  }
}

template <class T>
std::string yaml_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_same_v<T, std::string>) {
    YAML::Emitter out;
    out << YAML::DoubleQuoted << value;
    return out.c_str();
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    std::string list = "[";
    for (const auto& item : value) list += (list.size() > 1 ? ", " : "") + yaml_text(item);
    return list + "]";
  } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
    std::string map = "{";
    for (const auto& [name, text] : value) map += (map.size() > 1 ? ", " : "") + yaml_text(name) + ": " + yaml_text(text);
    return map + "}";
  } else if constexpr (std::is_same_v<T, JsonText>)
    return value.text.empty() ? "{}" : value.text;
  else if constexpr (std::is_floating_point_v<T>)
    return number_text(value);
  else
    return fmt::format("{}", value);
}

std::string unknown_key(const std::string& key) {
  std::vector<std::string> keys;
  Config config;
  visit_fields(config, [&](const FieldInfo& info, auto&) { keys.emplace_back(info.key); });
  const std::string near = nearest(key, keys);
  return near.empty() ? "there is no such key" : "there is no such key; did you mean '" + near + "'?";
}

void apply(Settings& settings, Config& config) {
  std::vector<std::string> faults;
  visit_fields(config, [&](const FieldInfo& info, auto& member) {
    const auto found = settings.find(info.key);
    if (found == settings.end()) return;
    found->second.used = true;
    const std::string fault = read_value(info, found->second.value, member);
    if (!fault.empty()) faults.push_back(fmt::format("{}: {}: {}", found->second.where, info.key, fault));
  });
  for (const auto& [key, setting] : settings)
    if (!setting.used) faults.push_back(fmt::format("{}: {}: {}", setting.where, key, unknown_key(key)));
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
  apply(settings, config);
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
  apply(settings, config);
  return config;
}

void apply_finetune_overrides(FinetuneConfig& finetune, const std::vector<std::string>& overrides) {
  Settings settings;
  for (const auto& text : overrides) add_override(text.starts_with("finetune.") ? text : "finetune." + text, settings);
  Config config;
  config.finetune = finetune;
  apply(settings, config);
  finetune = config.finetune;
}

std::string resolved_yaml(const Config& config) {
  std::string yaml, section;
  visit_fields(config, [&](const FieldInfo& info, const auto& member) {
    const std::string key = info.key;
    const auto dot = key.find('.');
    const std::string head = dot == std::string::npos ? "" : key.substr(0, dot);
    if (head != section) {
      section = head;
      yaml += head + ":\n";
    }
    yaml += head.empty() ? key : "  " + key.substr(dot + 1);
    yaml += ": " + yaml_text(member) + "\n";
  });
  return yaml;
}

std::vector<std::string> config_differences(const std::string& stored_yaml, const Config& now, bool has_replies) {
  const Config before = parse_config(stored_yaml, "the stored configuration");
  const auto text_of = [](const FieldInfo& info, const auto& member) {
    const std::string text = yaml_text(member);
    return std::string_view(info.key) == "oracle.base_url" ? without_secrets(text) : text;
  };
  std::map<std::string, std::string> old_values;
  visit_fields(before, [&](const FieldInfo& info, const auto& member) { old_values[info.key] = text_of(info, member); });
  std::vector<std::string> differences;
  visit_fields(now, [&](const FieldInfo& info, const auto& member) {
    const std::string value = text_of(info, member);
    if (!info.may_change && (has_replies || !info.of_replies) && old_values[info.key] != value)
      differences.push_back(fmt::format("{}: {} -> {}", info.key, old_values[info.key], value));
  });
  return differences;
}

std::string configuration_reference() {
  std::string page =
      "# Configuration\n\n"
      "One YAML file describes a run. An unknown key is an error; `key.sub=value` on the command line overrides the file.\n"
      "A run goes on only with the configuration that it began with; keys marked * may change in between,\n"
      "those marked + as long as no reply of the oracle is stored.\n"
      "This page is made from the list of fields in `src/config/fields.h`.\n";
  std::string section = "-";
  Config config;
  visit_fields(config, [&](const FieldInfo& info, const auto& member) {
    const std::string key = info.key;
    const auto dot = key.find('.');
    const std::string head = dot == std::string::npos ? "" : key.substr(0, dot);
    if (head != section) {
      section = head;
      page += fmt::format("\n## {}\n\n| key | default | values | meaning |\n|---|---|---|---|\n", head.empty() ? "The run" : head);
    }
    const std::string limits = limits_text(info);
    page += fmt::format("| `{}`{} | `{}` | {} | {} |\n", key,
                        info.may_change   ? " *"
                        : info.of_replies ? " +"
                                          : "",
                        yaml_text(member), limits.empty() ? type_text<std::remove_cvref_t<decltype(member)>>() : limits, info.help);
  });
  return page;
}

std::string config_template(const std::string& name) { return std::string(embedded_config(name + ".yaml")); }

}  // namespace iteralign
