// Model names in the local Hugging Face cache, read only and offline:
//   models--ORG--NAME/refs/REVISION             the commit that a branch or tag points at
//   models--ORG--NAME/snapshots/COMMIT/FILE     links to ../../blobs/HASH

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/files.h"
#include "core/strings.h"
#include "engine/files/checkpoint.h"
#include "iteralign/error.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string cache_root() {
  if (const auto cache = environment("HF_HUB_CACHE"); !cache.empty()) return cache;
  if (const auto home = environment("HF_HOME"); !home.empty()) return join_path(home, "hub");
  auto base = environment("XDG_CACHE_HOME");
  if (base.empty()) base = join_path(environment("HOME"), ".cache");
  return join_path(base, "huggingface/hub");
}

bool is_name(std::string_view part) {
  if (part.empty() || part == "." || part == "..") return false;
  for (const char c : part)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.') return false;
  return true;
}

bool is_commit(const std::string& text) { return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

// A link that leads out of the repository's folder could make us read any file.
void check_links(const std::string& snapshot, const std::string& repository) {
  const std::string inside = fs::canonical(repository).string() + "/";
  for (const auto& entry : fs::recursive_directory_iterator(snapshot)) {
    std::error_code error;
    const auto target = fs::canonical(entry.path(), error);
    if (error) throw Error(ErrorKind::data, "is a link to nothing", entry.path().string(), "download the model again");
    if (!target.string().starts_with(inside)) throw Error(ErrorKind::data, "is a link out of the cached repository", entry.path().string());
  }
}

}  // namespace

std::string resolve_model_path(const std::string& path_or_name) {
  if (is_directory(path_or_name)) return path_or_name;
  if (path_or_name.ends_with(".gguf")) {
    throw Error(ErrorKind::data, "is a GGUF file, not a model folder", path_or_name, "iteralign import " + path_or_name + " --out FOLDER");
  }
  const auto at = path_or_name.find('@');
  const std::string name = path_or_name.substr(0, at);
  const std::string revision = at == std::string::npos ? "main" : path_or_name.substr(at + 1);
  const auto parts = split(name, '/');
  if (exists(path_or_name) || parts.size() != 2 || !is_name(parts[0]) || !is_name(parts[1]) || contains("/" + revision + "/", "/../")) {
    throw Error(ErrorKind::data, "is neither a model folder nor an org/name in the Hugging Face cache", path_or_name, "check the path");
  }
  const std::string repository = join_path(cache_root(), "models--" + parts[0] + "--" + parts[1]);
  const std::string ref = join_path(repository, "refs/" + revision);
  const std::string commit = is_commit(revision) ? revision : exists(ref) ? std::string(trim(read_file(ref))) : "";
  const std::string snapshot = join_path(repository, "snapshots/" + commit);
  if (!is_commit(commit) || !is_directory(snapshot)) {
    throw Error(ErrorKind::data, "is neither a folder nor in the Hugging Face cache at " + cache_root(), path_or_name,
                "download it there first, or give the path of a model folder; nothing is fetched from a hub");
  }
  check_links(snapshot, repository);
  return snapshot;
}

}  // namespace iteralign
