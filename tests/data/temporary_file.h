#pragma once
// A file with the given content in a folder that vanishes with the object.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "iteralign_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    add(name, content);
    path_ = folder_ + "/" + name;
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void add(const std::string& name, const std::string& content) { std::ofstream(folder_ + "/" + name, std::ios::binary) << content; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  std::string folder_, path_;
};
