#pragma once
// Places for what a command writes where its user says, checked before the work: nothing that is there is lost, and no input is
// overwritten.

#include <string>
#include <vector>

namespace iteralign {

struct OutputRules {
  std::vector<std::string> inputs = {};  // files and folders that the command reads; an empty name is none
  bool overwrite = false;                // what lies there may be replaced, if it has a name that is written
  // Shell patterns of file names. Superseded files that are not written anew are removed when the new ones come (weights in other shards).
  // Files that are never beside the new ones make the folder refused (a whole model beside an adapter: other programs would read both).
  std::vector<std::string> superseded = {}, never_beside = {};
};

// Error usage when the path is an input or a folder above one. Symbolic and hard links are followed.
void check_is_no_input(const std::string& path, const std::vector<std::string>& inputs);

// Error usage when the file is there and may not be replaced, is no regular file, lies in an input, or when its folder cannot take it.
void check_output_file(const std::string& path, const OutputRules& rules);

// A folder to be written: new or empty, or with `overwrite` one in which only files of the written names are replaced. Fill path(), then
// commit(); without commit() everything is removed. A link in the folder is replaced, never followed.
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
