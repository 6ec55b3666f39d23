#include "engine/files/model_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/files.h"
#include "core/hash.h"
#include "engine/files/checkpoint.h"

namespace iteralign {
namespace {

constexpr std::size_t kWhole = std::size_t{1} << 30, kStride = std::size_t{1} << 20, kSample = std::size_t{1} << 16;

std::string file_hash(const std::string& path) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (bytes.size() <= kWhole) return hash128_hex(bytes);
  std::uint64_t hash = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += kStride) hash = hash64(bytes.substr(at, kSample), hash);
  return "sampled " + std::to_string(bytes.size()) + " " + std::to_string(hash);
}

void add_files(const std::string& folder, const std::string& prefix, const std::vector<std::string>& patterns,
               std::map<std::string, std::string>& hashes) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool belongs = std::ranges::any_of(patterns, [&](const std::string& p) { return ::fnmatch(p.c_str(), name.c_str(), 0) == 0; });
    if (belongs && entry.is_regular_file()) hashes[prefix + name] = file_hash(entry.path().string());
  }
}

}  // namespace

std::vector<std::string> companion_names() {
  return {"generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "tokenizer.model",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja",
          "chat_template.json"};
}

std::vector<std::string> model_file_patterns() {
  std::vector<std::string> patterns = companion_names();
  for (const char* name : {"config.json", "model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors"})
    patterns.emplace_back(name);
  return patterns;
}

std::map<std::string, std::string> model_file_hashes(const ModelOptions& model) {
  std::vector<std::string> patterns = model_file_patterns();
  patterns.emplace_back("*.safetensors");  // shards of any name
  std::map<std::string, std::string> hashes;
  add_files(resolve_model_path(model.path), "", patterns, hashes);
  if (!model.adapter.empty() && is_directory(model.adapter))
    add_files(model.adapter, "adapter/", {"adapter_config.json", "adapter_model.safetensors"}, hashes);
  if (!model.chat_template.empty() && exists(model.chat_template)) hashes["chat template"] = file_hash(model.chat_template);
  return hashes;
}

}  // namespace iteralign
