#include "engine/files/model_fingerprint.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"

namespace iteralign {
namespace {

constexpr std::array kNames = {"config.json",           "generation_config.json", "tokenizer.json",
                               "tokenizer_config.json", "added_tokens.json",      "special_tokens_map.json",
                               "chat_template.jinja",   "chat_template.json",     "adapter_config.json"};

bool is_part(const std::filesystem::path& path) {
  return path.extension() == ".safetensors" || std::ranges::find(kNames, path.filename().string()) != kNames.end();
}

std::string hash_of(const std::string& path) {
  const MappedFile file(path);
  return hash128_hex({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

}  // namespace

std::string model_fingerprint(const std::string& folder) {
  if (!is_directory(folder)) return {};       // who opens it says what is wrong
  std::map<std::string, std::string> hashes;  // by name
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file() && is_part(entry.path())) hashes[entry.path().filename().string()] = hash_of(entry.path().string());
  return hash128_hex(dump_json(Json(hashes)));
}

}  // namespace iteralign
