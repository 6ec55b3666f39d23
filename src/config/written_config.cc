// Configurations as they are written: the resolved copy, what differs between two, the reference page.
#include <map>
#include <utility>

#include "config/config.h"
#include "config/field_value.h"
#include "config/limits.h"
#include "config/secrets.h"

namespace iteralign {
namespace {

// "finetune", "learning_rate"; the section of a key at the top is empty.
std::pair<std::string, std::string> section_and_name(const std::string& key) {
  const auto dot = key.find('.');
  return dot == std::string::npos ? std::pair(std::string(), key) : std::pair(key.substr(0, dot), key.substr(dot + 1));
}

// When a run may go on with another value, or be forked with one.
std::string mark(const FieldInfo& info) {
  if (info.may_change) return " *";
  if (info.of_replies) return " +";
  return info.first_used ? fmt::format(" ({})", name(*info.first_used)) : "";
}

}  // namespace

std::string resolved_yaml(const Config& config) {
  std::string yaml, section;
  visit_fields(config, [&](const FieldInfo& info, const auto& member) {
    const auto [head, name] = section_and_name(info.key);
    if (head != section) yaml += head + ":\n";
    section = head;
    yaml += (head.empty() ? "" : "  ") + name + ": " + yaml_text(member) + "\n";
  });
  return yaml;
}

std::vector<std::string> config_differences(const std::string& stored_yaml, const Config& now, bool has_replies,
                                            std::optional<IterationStage> kept_until) {
  const Config before = parse_config(stored_yaml, "the stored configuration");
  const auto text_of = [](const FieldInfo& info, const auto& member) {
    const std::string text = yaml_text(member);
    return std::string_view(info.key) == "oracle.base_url" ? without_secrets(text) : text;
  };
  std::map<std::string, std::string> old_values;
  visit_fields(before, [&](const FieldInfo& info, const auto& member) { old_values[info.key] = text_of(info, member); });
  const auto never_good = limit_faults(before);  // nothing was made with such a value
  std::vector<std::string> differences;
  visit_fields(now, [&](const FieldInfo& info, const auto& member) {
    const std::string value = text_of(info, member);
    const bool comes_later = kept_until && info.first_used && *info.first_used > *kept_until;
    const bool matters = !info.may_change && !comes_later && (has_replies || !info.of_replies);
    if (matters && old_values[info.key] != value && !never_good.contains(info.key))
      differences.push_back(fmt::format("{}: {} -> {}", info.key, old_values[info.key], value));
  });
  return differences;
}

std::string configuration_reference() {
  std::string page =
      "# Configuration\n\n"
      "One YAML file describes a run. An unknown key is an error; `key.sub=value` on the command line overrides the file.\n"
      "A run goes on only with the configuration that it began with; keys marked * may change in between,\n"
      "those marked + as long as no reply of the oracle is stored. With `--fork NAME --after STAGE` a new run begins with what another one "
      "has\n"
      "up to that stage; in the first iteration a key may change that names a later stage here, in brackets.\n"
      "This page is made from the list of fields in `src/config/fields.h`.\n";
  std::string section = "-";
  Config config;
  visit_fields(config, [&](const FieldInfo& info, const auto& member) {
    const std::string head = section_and_name(info.key).first;
    if (head != section) {
      section = head;
      page += fmt::format("\n## {}\n\n| key | default | values | meaning |\n|---|---|---|---|\n", head.empty() ? "The run" : head);
    }
    page += fmt::format("| `{}`{} | `{}` | {} | {} |\n", info.key, mark(info), yaml_text(member),
                        accepted_text<std::remove_cvref_t<decltype(member)>>(info), info.help);
  });
  return page;
}

}  // namespace iteralign
