#pragma once
// Things that are done when all their parts are.

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace iteralign {

class Countdown {
 public:
  // owners[p]: the thing that part p belongs to. A thing without parts is done at once. `on_done` may be empty.
  Countdown(std::size_t things, const std::vector<std::size_t>& owners, std::function<void(std::size_t)> on_done)
      : left_(things, 0), on_done_(std::move(on_done)) {
    for (const std::size_t thing : owners) ++left_[thing];
    for (std::size_t thing = 0; on_done_ && thing < things; ++thing)
      if (left_[thing] == 0) on_done_(thing);
  }

  // One more part of this thing is done.
  void part_done(std::size_t thing) {
    if (--left_[thing] == 0 && on_done_) on_done_(thing);
  }

 private:
  std::vector<std::size_t> left_;  // parts, by thing
  std::function<void(std::size_t)> on_done_;
};

}  // namespace iteralign
