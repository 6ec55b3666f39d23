#include "formats/adapter_names.h"

#include <string_view>

namespace iteralign {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::string adapter_tensor_name(const std::string& key) {
  if (!key.starts_with(kPrefix)) return "";
  std::string name = replaced(key.substr(kPrefix.size()), ".base_layer.", ".");
  for (const char* factor : {".lora_A", ".lora_B", ".lora_embedding_A", ".lora_embedding_B"})
    name = replaced(name, std::string(factor) + ".default", factor);
  return name;
}

}  // namespace iteralign
