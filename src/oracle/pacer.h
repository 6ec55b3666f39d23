#pragma once
// How many requests are in flight, and the pause that all of them keep when the server says "too many". Safe from many threads.
// After a rate limit a fifth fewer requests are let in; each clean round lets one twentieth more in again, up to the limit.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace iteralign {

class Pacer {
 public:
  using Clock = std::chrono::steady_clock;
  using StopAsked = std::function<bool()>;  // may be empty; asked about every 20 ms

  explicit Pacer(int limit) : limit_(limit), allowed_(limit) {}

  // A place among the requests in flight; given back at the end of its life.
  class Slot {
   public:
    explicit Slot(Pacer& pacer) : pacer_(&pacer), since_(Clock::now()) {}
    Slot(Slot&& other) noexcept : pacer_(std::exchange(other.pacer_, nullptr)), since_(other.since_) {}
    Slot& operator=(Slot&&) = delete;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot();
    [[nodiscard]] Clock::time_point since() const { return since_; }

   private:
    Pacer* pacer_;
    Clock::time_point since_;
  };

  // Blocks until there is a place and no pause; nothing when stop was asked.
  std::optional<Slot> enter(const StopAsked& stop_asked);
  // False when stop was asked before the time was over.
  bool sleep(double seconds, const StopAsked& stop_asked);

  void succeeded();
  // Lets nobody in for this time. Failures of requests that were let in before the last cut are no new evidence, and cut nothing again.
  void rate_limited(double pause_s, Clock::time_point request_began);

  [[nodiscard]] double allowed() const;

 private:
  const int limit_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  double allowed_;  // requests in flight now allowed; at least 1
  int in_flight_ = 0;
  Clock::time_point closed_until_{}, last_cut_{};
};

}  // namespace iteralign
