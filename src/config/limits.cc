#include "config/limits.h"

#include <string_view>

#include "config/field_value.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

void check_section(const Config& config, std::string_view section) {
  for (const auto& [key, fault] : limit_faults(config))
    if (key.starts_with(section)) throw Error(ErrorKind::usage, fault, key.substr(section.size()));
}

}  // namespace

std::map<std::string, std::string> limit_faults(const Config& config) {
  std::map<std::string, std::string> faults;
  visit_fields(config, [&](const FieldInfo& info, const auto& member) {
    if (const std::string fault = limit_fault(info, member); !fault.empty()) faults[info.key] = fault;
  });
  const FinetuneOptions& options = config.finetune.options;
  if (options.method != FinetuneMethod::none && options.max_steps == 0 && options.num_train_epochs == 0)
    faults["finetune.num_train_epochs"] = "0 is out of range: above 0 where max_steps is 0";
  return faults;
}

void check_limits(const ModelOptions& options) {
  Config config;
  config.model = options;
  check_section(config, "model.");
}

void check_limits(const Sampling& sampling) {
  Config config;
  config.respond = sampling;
  check_section(config, "respond.");
}

void check_limits(const FinetuneOptions& options) {
  Config config;
  config.finetune.options = options;
  check_section(config, "finetune.");
}

}  // namespace iteralign
