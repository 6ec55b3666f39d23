#pragma once
// Chat formats by name, for checkpoints without a template of their own.

#include <span>
#include <string_view>

namespace iteralign {

struct BuiltinTemplate {
  std::string_view name, source;
};
std::span<const BuiltinTemplate> builtin_templates();

}  // namespace iteralign
