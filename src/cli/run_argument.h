#pragma once
// Runs as people name them on the command line.

#include <optional>
#include <string>

#include "core/files.h"
#include "iteralign/error.h"
#include "store/run_store.h"

namespace iteralign {

// The folder of a run: the path itself, or runs/<name>. Nothing when there is no run.
inline std::optional<std::string> find_run_if_any(const std::string& argument) {
  for (const auto& folder : {argument, join_path("runs", argument)})
    if (exists(join_path(folder, "run.db"))) return folder;
  return std::nullopt;
}

// The same; Error usage when there is no run.
inline std::string find_run(const std::string& argument) {
  if (const auto folder = find_run_if_any(argument)) return *folder;
  throw Error(ErrorKind::usage, "there is no run here", argument, "give a run folder, or the name of one in runs/");
}

}  // namespace iteralign
