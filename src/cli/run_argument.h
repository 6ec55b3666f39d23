#pragma once
// Runs as people name them on the command line.

#include <string>

#include "core/files.h"
#include "iteralign/error.h"
#include "store/run_store.h"

namespace iteralign {

// The folder of a run: the path itself, or runs/<name>. Error usage when there is no run.
inline std::string find_run(const std::string& argument) {
  for (const auto& folder : {argument, join_path("runs", argument)})
    if (exists(join_path(folder, "run.db"))) return folder;
  throw Error(ErrorKind::usage, "there is no run here", argument, "give a run folder, or the name of one in runs/");
}

}  // namespace iteralign
