#pragma once
// Which file each task reads: the arguments of --data.

#include <map>
#include <string>
#include <vector>

namespace iteralign {

// PATH is for every task, TASK=PATH for one task or for all whose names begin with TASK ("truthfulqa=DIR").
class TaskData {
 public:
  // Error usage for two paths for one task, and for a TASK= that is none of `tasks`.
  TaskData(const std::vector<std::string>& arguments, const std::vector<std::string>& tasks);

  // Error usage where there is no path, and where the choice would be a guess: a judged task reads the file that is given for it, never
  // some file of a folder, nor the file of another judged task.
  [[nodiscard]] std::string of(const std::string& task) const;

 private:
  std::vector<std::string> tasks_;
  std::string for_all_;
  std::map<std::string, std::string> named_;
};

}  // namespace iteralign
