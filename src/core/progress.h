#pragma once
// Progress of long work: a bar with rate and time left on a terminal (redrawn at most ten times a second),
// a line of the log every fifteen seconds elsewhere. Safe from many threads. Silent when the log is quiet.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace iteralign {

class Progress {
 public:
  // `unit` is what is counted, in the plural: "answers", "steps". total 0: unknown. Work that ends before `quiet_s` shows nothing.
  Progress(std::string what, std::int64_t total, std::string unit, double quiet_s = 0);
  ~Progress();  // finishes the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::int64_t n = 1, const std::string& note = {});  // `note` is shown behind: "loss 1.23"

 private:
  void draw(bool last);

  std::mutex mutex_;
  std::string what_, unit_, note_;
  std::int64_t total_, done_ = 0;
  double quiet_s_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_, last_draw_;
};

// True when stderr is a terminal that takes control sequences: TERM is neither missing nor dumb, neither NO_COLOR nor CI is set.
bool stderr_is_terminal();

}  // namespace iteralign
