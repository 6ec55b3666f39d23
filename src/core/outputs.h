#pragma once
// What a command writes where its user says: nothing that lies there is lost, and no input is written over. Asked before the work.

#include <string>
#include <vector>

namespace iteralign {

struct OutputRules {
  std::vector<std::string> inputs = {};  // files and folders that the command reads; an empty name is none
  bool overwrite = false;                // what lies there may be replaced, if it has a name that is written
  // Shell patterns of names in a folder. What is superseded and not written anew goes with what replaces it (weights in other shards);
  // what may not lie beside the new files is never replaced (a whole model beside an adapter: others would read both).
  std::vector<std::string> superseded = {}, never_beside = {};
};

// Error usage when the path is an input or a folder above one. Links and hard links are seen through.
void check_is_no_input(const std::string& path, const std::vector<std::string>& inputs);

// Error usage when the file is there and may not be replaced, is no regular file, lies in an input, or when its folder cannot take it.
void check_output_file(const std::string& path, const OutputRules& rules);

// A folder that is not there or empty, or with `overwrite` one in which only files of the names that are written are replaced: fill
// path(), then commit(). What is not committed is removed. A link in the folder is replaced, never followed.
class OutputFolder {
 public:
  // Error usage as above. Writes nothing yet.
  OutputFolder(std::string path, OutputRules rules);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return pending_; }  // is not there yet
  void commit();

 private:
  std::string wanted_, final_, pending_;
  OutputRules rules_;
};

}  // namespace iteralign
