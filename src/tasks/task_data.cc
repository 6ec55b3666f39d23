#include "tasks/task_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "tasks/tasks.h"

namespace iteralign {
namespace {

bool belongs(const std::string& task, const std::string& name) { return task == name || task.starts_with(name + "_"); }

// "redteam" of "redteam=file.jsonl"; a path may have '=' too.
std::string task_of(const std::string& argument) {
  const std::string name = argument.substr(0, argument.find('='));
  const std::vector<std::string> names = task_names();
  return name.size() < argument.size() && std::ranges::any_of(names, [&](const std::string& task) { return belongs(task, name); }) ? name
                                                                                                                                   : "";
}

// The one file that XSTest is published in.
std::string overrefusal_file(const std::string& folder) {
  for (const std::string& path : list_files(folder))
    if (path.ends_with("/xstest_prompts.csv")) return path;
  return {};
}

}  // namespace

TaskData::TaskData(const std::vector<std::string>& arguments, const std::vector<std::string>& tasks) : tasks_(tasks) {
  for (const std::string& argument : arguments) {
    const std::string task = task_of(argument);
    if (!task.empty() && std::ranges::none_of(tasks, [&](const std::string& asked) { return belongs(asked, task); }))
      throw Error(ErrorKind::usage, fmt::format("gives data for {}, which is not among --tasks", task), "--data " + argument);
    const std::string path = task.empty() ? argument : argument.substr(task.size() + 1);
    if (path.empty()) throw Error(ErrorKind::usage, "names no file", "--data " + argument, "give --data " + argument + "FILE");
    std::string& place = task.empty() ? for_all_ : named_[task];
    if (!place.empty())
      throw Error(ErrorKind::usage, fmt::format("is given twice: {} and {}", place, path), task.empty() ? "--data" : "--data " + task + "=",
                  "give each task its own: --data TASK=FILE");
    place = path;
  }
}

std::string TaskData::of(const std::string& task) const {
  for (const auto& [name, path] : named_)
    if (name == task) return path;
  for (const auto& [name, path] : named_)
    if (belongs(task, name)) return path;
  const std::string hint = fmt::format("give --data {}=FILE", task);
  if (for_all_.empty()) throw Error(ErrorKind::usage, "has no data", task, hint);
  if (!needs_judge(task)) return for_all_;
  if (is_directory(for_all_)) {
    if (const std::string file = task == "overrefusal" ? overrefusal_file(for_all_) : ""; !file.empty()) return file;
    const std::vector<std::string> files = list_files(for_all_);
    if (files.size() != 1)
      throw Error(ErrorKind::usage, fmt::format("this folder does not say which of its {} files has the prompts of {}", files.size(), task),
                  for_all_, hint);
    return files[0];
  }
  for (const std::string& other : tasks_)
    if (other != task && needs_judge(other) && std::ranges::none_of(named_, [&](const auto& named) { return belongs(other, named.first); }))
      throw Error(ErrorKind::usage, fmt::format("{} and {} would be asked the same prompts", task, other), for_all_,
                  fmt::format("give --data {}=FILE --data {}=FILE", task, other));
  return for_all_;
}

}  // namespace iteralign
