// Model names in the local Hugging Face cache, read only and offline:
//   models--ORG--NAME/refs/REVISION             the commit that a branch or tag points at
//   models--ORG--NAME/snapshots/COMMIT/FILE     links to ../../blobs/HASH

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/strings.h"
#include "formats/checkpoint.h"
#include "formats/unreadable_model.h"
#include "iteralign/error.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As huggingface_hub does with its variables.
std::string expand_home(const std::string& path) {
  return path == "~" || path.starts_with("~/") ? join_path(environment("HOME"), path.size() < 3 ? "" : path.substr(2)) : path;
}

// As huggingface_hub looks for it; where it is no more than one, an older transformers may have had another.
std::vector<std::string> cache_roots() {
  std::string base = environment("XDG_CACHE_HOME");
  if (base.empty()) base = "~/.cache";
  std::string home = environment("HF_HOME");
  if (home.empty()) home = join_path(base, "huggingface");
  std::string cache = environment("HF_HUB_CACHE");
  if (cache.empty()) cache = environment("HUGGINGFACE_HUB_CACHE");
  if (cache.empty()) cache = join_path(home, "hub");
  std::vector<std::string> roots = {expand_home(cache)};
  if (const auto old = environment("TRANSFORMERS_CACHE"); !old.empty()) roots.push_back(expand_home(old));
  return roots;
}

bool is_name(std::string_view part) {
  if (part.empty() || part == "." || part == "..") return false;
  for (const char c : part)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.') return false;
  return true;
}

bool is_commit(const std::string& text) { return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

// A link that leads out of the cache could make us read any file. Folders of the cache may lie on another disk.
void check_links(const std::string& snapshot, const std::string& repository) {
  refuse_broken_links(snapshot);
  std::vector<std::string> inside;
  for (const std::string& folder : {repository, join_path(repository, "blobs"), snapshot}) {
    std::error_code error;
    if (const auto real = fs::canonical(folder, error); !error) inside.push_back(real.string() + "/");
  }
  for (const auto& entry : fs::recursive_directory_iterator(snapshot)) {
    std::error_code error;
    const std::string target = fs::canonical(entry.path(), error).string();
    if (!error && std::ranges::none_of(inside, [&](const std::string& folder) { return target.starts_with(folder); }))
      throw Error(ErrorKind::data, "is a link out of the cached repository", entry.path().string(), "give the path of a model folder");
  }
}

// The snapshot of a revision in a folder models--ORG--NAME; "" when it is not there.
std::string find_snapshot(const std::string& repository, const std::string& revision) {
  const std::string ref = join_path(repository, "refs/" + revision);
  const std::string commit = is_commit(revision) ? revision : exists(ref) ? std::string(trim(read_file(ref))) : "";
  const std::string snapshot = join_path(repository, "snapshots/" + commit);
  if (!is_commit(commit) || !is_directory(snapshot)) return "";
  check_links(snapshot, repository);
  return snapshot;
}

// `what`: "model", "adapter"
std::string resolve(const std::string& path_or_name, const std::string& what) {
  if (is_directory(path_or_name)) {
    if (is_directory(join_path(path_or_name, "snapshots")))
      if (std::string snapshot = find_snapshot(path_or_name, "main"); !snapshot.empty()) return snapshot;
    refuse_broken_links(path_or_name);
    return path_or_name;
  }
  const auto at = path_or_name.find('@');
  const std::string name = path_or_name.substr(0, at);
  const std::string revision = at == std::string::npos ? "main" : path_or_name.substr(at + 1);
  const auto parts = split(name, '/');
  if (exists(path_or_name) || parts.size() != 2 || !is_name(parts[0]) || !is_name(parts[1]) || contains("/" + revision + "/", "/../")) {
    throw Error(ErrorKind::data, "is neither a folder of a " + what + " nor an org/name in the Hugging Face cache", path_or_name,
                "check the path");
  }
  const std::vector<std::string> roots = cache_roots();
  for (const std::string& root : roots) {
    std::string snapshot = find_snapshot(join_path(root, "models--" + parts[0] + "--" + parts[1]), revision);
    if (!snapshot.empty()) return snapshot;
  }
  throw Error(ErrorKind::data, "is neither a folder nor in the Hugging Face cache at " + join(roots, " or "), path_or_name,
              "download it there first, or give the path of a folder; nothing is fetched from a hub");
}

}  // namespace

std::string resolve_model_path(const std::string& path_or_name) {
  if (path_or_name.ends_with(".gguf") && !is_directory(path_or_name))
    throw Error(ErrorKind::data, "is a GGUF file, not a model folder", path_or_name, "iteralign import " + path_or_name + " --out FOLDER");
  return resolve(path_or_name, "model");
}

std::string resolve_adapter_path(const std::string& path_or_name) {
  if (path_or_name.ends_with(".gguf") && !is_directory(path_or_name))
    throw Error(ErrorKind::data, "is a GGUF file, not an adapter that PEFT wrote", path_or_name, "give the folder that it was made from");
  return path_or_name.empty() ? "" : resolve(path_or_name, "adapter");
}

}  // namespace iteralign
