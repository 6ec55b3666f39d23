#pragma once
// Which file each task reads: the arguments of --data.

#include <map>
#include <string>
#include <vector>

namespace iteralign {

// PATH is for every task, TASK=PATH for one, or for all whose names begin so ("truthfulqa=DIR").
class TaskData {
 public:
  // Error usage for two paths for the same, and for TASK= that is none of `tasks`.
  TaskData(const std::vector<std::string>& arguments, const std::vector<std::string>& tasks);

  // Error usage where there is none, and where it would be a guess: the prompts of a judged task are those of a file that is given for it,
  // never some of a folder's, nor those that another judged task is asked.
  [[nodiscard]] std::string of(const std::string& task) const;

 private:
  std::vector<std::string> tasks_;
  std::string for_all_;
  std::map<std::string, std::string> named_;
};

}  // namespace iteralign
