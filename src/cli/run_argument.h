#pragma once
// Runs as people name them on the command line.

#include <optional>
#include <string>

namespace iteralign {

inline constexpr const char* kRunHelp = "run folder, its configuration file, or the name of a run in runs/";

// The folder of a run: the path itself, runs/<name>, or the one that a configuration file says (runs_dir and name). Nothing when there is
// no run. Error usage for a broken configuration.
std::optional<std::string> find_run_if_any(const std::string& argument);

// The same; Error usage when there is no run.
std::string find_run(const std::string& argument);

}  // namespace iteralign
