#include "pipeline/run_folder.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/files.h"
#include "iteralign/error.h"

namespace iteralign {

std::string run_folder(const Config& config) { return join_path(config.runs_dir, config.name); }

std::string run_store_path(const std::string& run_folder) { return join_path(run_folder, "run.db"); }

std::string iteration_folder(const std::string& run_folder, int iteration) {
  return join_path(run_folder, fmt::format("iter-{:03}", iteration));
}

std::pair<std::string, bool> trained_weights(const std::string& run_folder, int iteration) {
  for (int i = iteration; i >= 1; --i)
    for (const auto& [name, adapter] : {std::pair("adapter", true), {"checkpoint", false}})
      if (std::string folder = join_path(iteration_folder(run_folder, i), name); exists(folder)) return {std::move(folder), adapter};
  return {};
}

void check_new_folder(const std::string& run_folder) {
  if (exists(run_store_path(run_folder)) || !exists(run_folder)) return;
  if (!is_directory(run_folder))
    throw Error(ErrorKind::usage, "is where this run would be kept, and is a file", run_folder, "choose another name");
  for (const auto& entry : std::filesystem::directory_iterator(run_folder))
    if (const std::string name = entry.path().filename().string(); name != "lock" && name != "log.txt" && name != kDecisions)
      throw Error(ErrorKind::usage, "holds " + name + " and is no run", run_folder,
                  "choose another name or runs_dir; a run has a folder of its own");
}

}  // namespace iteralign
