#include "cli/run_argument.h"

#include "config/config.h"
#include "core/files.h"
#include "iteralign/error.h"
#include "pipeline/run_folder.h"

namespace iteralign {

std::optional<std::string> find_run_if_any(const std::string& argument) {
  const bool is_configuration = (argument.ends_with(".yaml") || argument.ends_with(".yml")) && exists(argument) && !is_directory(argument);
  const std::string named = is_configuration ? run_folder(load_config(argument, {})) : join_path("runs", argument);
  for (const auto& folder : {argument, named})
    if (exists(join_path(folder, "run.db"))) return folder;
  return std::nullopt;
}

std::string find_run(const std::string& argument) {
  if (const auto folder = find_run_if_any(argument)) return *folder;
  throw Error(ErrorKind::usage, "there is no run here", argument, std::string("give a ") + kRunHelp);
}

}  // namespace iteralign
