#include "formats/model_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "core/files.h"
#include "core/hash.h"
#include "core/progress.h"
#include "formats/checkpoint.h"

namespace iteralign {
namespace {

constexpr std::size_t kWhole = std::size_t{1} << 30, kStride = std::size_t{1} << 20, kSample = std::size_t{1} << 16;

// Calls `on_read` with the bytes that are behind it.
std::string file_hash(const std::string& path, const std::function<void(std::size_t)>& on_read) {
  const MappedFile file(path);
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (bytes.size() <= kWhole) {
    std::string hash = hash128_hex(bytes);
    on_read(bytes.size());
    return hash;
  }
  std::uint64_t hash = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += kStride) {
    hash = hash64(bytes.substr(at, kSample), hash);
    on_read(std::min(kStride, bytes.size() - at));
  }
  return "sampled " + std::to_string(bytes.size()) + " " + std::to_string(hash);
}

// The path of each file by its name in the map of hashes.
using NamedFiles = std::map<std::string, std::string>;

void add_files(const std::string& folder, const std::string& prefix, const std::vector<std::string>& patterns, NamedFiles& files) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool belongs = std::ranges::any_of(patterns, [&](const std::string& p) { return ::fnmatch(p.c_str(), name.c_str(), 0) == 0; });
    if (belongs && entry.is_regular_file()) files[prefix + name] = entry.path().string();
  }
}

// Large files take minutes to be read from a slow disk.
std::map<std::string, std::string> hashes_of(const NamedFiles& files) {
  constexpr std::size_t kMegabyte = 1'000'000;
  constexpr double kMoment_s = 2;
  std::size_t total = 0, done = 0;
  for (const auto& [name, path] : files) total += std::filesystem::file_size(path);
  Progress progress("read the model", static_cast<std::int64_t>(total / kMegabyte), "MB", kMoment_s);
  std::map<std::string, std::string> hashes;
  for (const auto& [name, path] : files)
    hashes[name] = file_hash(path, [&](std::size_t bytes) {
      const std::size_t before = done / kMegabyte;
      done += bytes;
      progress.add(static_cast<std::int64_t>(done / kMegabyte - before));
    });
  return hashes;
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
  NamedFiles files;
  add_files(resolve_model_path(model.path), "", patterns, files);
  if (!model.adapter.empty())
    add_files(resolve_adapter_path(model.adapter), "adapter/", {"adapter_config.json", "adapter_model.safetensors"}, files);
  if (!model.chat_template.empty() && exists(model.chat_template)) files["chat template"] = model.chat_template;
  return hashes_of(files);
}

}  // namespace iteralign
