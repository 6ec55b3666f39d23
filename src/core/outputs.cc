#include "core/outputs.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "core/files.h"
#include "iteralign/error.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

constexpr const char* kOverwriteHint =
    "choose another --out, or give --overwrite: files of the names that are written are replaced, all others stay";

[[noreturn]] void refuse(const std::string& what, const std::string& path, const std::string& hint = "choose another --out") {
  throw Error(ErrorKind::usage, what, path, hint);
}

bool is_there(const fs::path& path) {  // a link to nothing is there too
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

bool is_real_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(fs::symlink_status(path, ignored));
}

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return a == b || fs::equivalent(a, b, ignored);
}

// Absolute, without links, "." and a slash at the end. What is not there yet keeps its name.
fs::path full_path(const std::string& path) {
  if (path.empty()) return {};
  std::error_code error;
  fs::path full = fs::weakly_canonical(fs::absolute(path), error);
  if (error) full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

bool is_within(fs::path inner, const fs::path& outer) {
  for (;; inner = inner.parent_path()) {
    if (is_same(inner, outer)) return true;
    if (inner == inner.parent_path()) return false;
  }
}

// An input, and the files that its folder links to, as the Hugging Face cache does.
std::vector<fs::path> files_behind(const std::string& input) {
  std::vector<fs::path> all = {full_path(input)};
  if (!is_directory(input)) return all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(input, ignored))
    if (entry.is_symlink()) all.push_back(full_path(entry.path()));
  return all;
}

bool matches(const std::string& name, const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
}

// Can something be made in the nearest folder that is there?
void check_place(const fs::path& full, const std::string& path, bool make_parents) {
  fs::path parent = full.parent_path();
  if (!make_parents && !is_directory(parent)) refuse("there is no folder for this file", path, "make it, or choose another --out");
  while (!is_there(parent) && parent != parent.parent_path()) parent = parent.parent_path();
  if (!is_directory(parent)) refuse("a part of this path is a file", path);
  if (::access(parent.c_str(), W_OK | X_OK) != 0) refuse("cannot be written: " + std::string(std::strerror(errno)), path);
}

void check_lies_in_no_input(const fs::path& full, const std::string& path, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs)
    if (!input.empty() && is_directory(input) && is_within(full, full_path(input)))
      refuse("is a part of " + input + ", which this command reads", path);
}

// Finds a folder that has the name of a file to be written before the work is done, not after it.
void check_entries(const fs::path& folder, const std::string& path, const OutputRules& rules) {
  static const std::vector<std::string> written = {"*.json", "*.jsonl", "*.jinja", "*.safetensors", "*.gguf",
                                                   "*.md",   "*.model", "*.txt",   "Modelfile"};
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_real_folder(entry.path()) && matches(name, written)) refuse("is a folder where a file may be written", join_path(path, name));
    if (matches(name, rules.never_beside)) refuse("holds " + name + ", which would be read together with what is written", path);
  }
}

// Moves everything over; gives the names.
std::set<std::string> move_into(const fs::path& from, const fs::path& to) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path target = to / entry.path().filename();
    names.insert(entry.path().filename().string());
    if (entry.is_directory() && is_real_folder(target)) {
      move_into(entry.path(), target);
      continue;
    }
    if (entry.is_directory()) fs::remove(target);
    fs::rename(entry.path(), target);
  }
  return names;
}

}  // namespace

void check_is_no_input(const std::string& path, const std::vector<std::string>& inputs) {
  const fs::path full = full_path(path);
  for (const std::string& input : inputs) {
    if (input.empty() || !exists(input)) continue;
    if (is_same(full_path(input), full)) refuse("is what this command reads", path);
    for (const fs::path& file : files_behind(input))
      if (is_within(file, full)) refuse("holds " + file.string() + ", which this command reads", path);
  }
}

void check_output_file(const std::string& path, const OutputRules& rules) {
  if (path.empty() || path.ends_with('/')) refuse("is no name of a file", path);
  const fs::path link = fs::absolute(path);
  check_is_no_input(path, rules.inputs);
  check_place(link, path, /*make_parents=*/false);
  if (!is_there(link)) return;
  std::error_code ignored;
  if (exists(path) && !fs::is_regular_file(path, ignored)) refuse("is there already, and is no file", path);
  if (!rules.overwrite) refuse("is there already", path, kOverwriteHint);
  check_lies_in_no_input(full_path(path), path, rules.inputs);
}

OutputFolder::OutputFolder(std::string path, OutputRules rules)
    : wanted_(std::move(path)),
      final_(full_path(wanted_)),
      pending_(final_ + ".pending" + std::to_string(::getpid())),
      rules_(std::move(rules)) {
  if (wanted_.empty()) refuse("is no name of a folder", "--out");
  check_is_no_input(wanted_, rules_.inputs);
  check_place(final_, wanted_, /*make_parents=*/true);
  if (is_there(final_) && !is_directory(final_)) refuse("is there already, and is no folder", wanted_);
  if (!is_there(final_) || fs::is_empty(final_)) return;
  if (!rules_.overwrite) refuse("is not empty", wanted_, kOverwriteHint);
  check_lies_in_no_input(final_, wanted_, rules_.inputs);
  if (::access(final_.c_str(), W_OK | X_OK) != 0) refuse("cannot be written: " + std::string(std::strerror(errno)), wanted_);
  check_entries(final_, wanted_, rules_);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(pending_, ignored);
}

void OutputFolder::commit() {
  try {
    if (!is_there(final_)) return fs::rename(pending_, final_);
    const std::set<std::string> written = move_into(pending_, final_);
    const std::vector<fs::directory_entry> entries(fs::directory_iterator(final_), fs::directory_iterator{});
    for (const auto& entry : entries)
      if (const std::string name = entry.path().filename().string();
          !written.contains(name) && matches(name, rules_.superseded) && !is_real_folder(entry.path()))
        fs::remove(entry.path());
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::failed, std::string("cannot move the finished files into place: ") + error.code().message(), wanted_);
  }
}

}  // namespace iteralign
