#pragma once
// A file with the given content in a folder that vanishes with the object.

#include <fstream>
#include <string>

#include "temporary_folder.h"

class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& content) : path_(folder_.file(name)) { add(name, content); }

  void add(const std::string& name, const std::string& content) { std::ofstream(folder_.file(name), std::ios::binary) << content; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& folder() const { return folder_.path(); }

 private:
  const TemporaryFolder folder_;
  const std::string path_;
};
