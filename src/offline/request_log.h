#pragma once
// The requests that a served oracle got, one JSON line each when it arrives: time, body (hash), asked (how often, from 1), fault.

#include <cstdint>
#include <fstream>
#include <string>

namespace iteralign {

class RequestLog {
 public:
  // Appends to the file. An empty path keeps nothing. Error usage for a file that is no such log, failed when it cannot be written.
  explicit RequestLog(const std::string& path);

  void add(std::uint64_t body_hash, int asked, const std::string& fault);  // from one thread at a time

 private:
  std::ofstream file_;
};

}  // namespace iteralign
