#include "oracle/pacer.h"

#include <algorithm>
#include <cmath>
#include <thread>

namespace iteralign {
namespace {

constexpr std::chrono::milliseconds kStopInterval{20};

bool asked(const Pacer::StopAsked& stop_asked) { return stop_asked && stop_asked(); }

Pacer::Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Pacer::Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Pacer::Slot::~Slot() {
  if (pacer_ == nullptr) return;
  const std::lock_guard lock(pacer_->mutex_);
  --pacer_->in_flight_;
  pacer_->changed_.notify_one();
}

std::optional<Pacer::Slot> Pacer::enter(const StopAsked& stop_asked) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (asked(stop_asked)) return {};
    if (in_flight_ < static_cast<int>(std::floor(allowed_)) && Clock::now() >= closed_until_) break;
    changed_.wait_for(lock, kStopInterval);
  }
  ++in_flight_;
  return Slot(*this);
}

bool Pacer::sleep(double seconds, const StopAsked& stop_asked) {
  const auto end = Clock::now() + duration_of(seconds);
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    if (asked(stop_asked)) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(kStopInterval, end - now));
  }
  return !asked(stop_asked);
}

void Pacer::succeeded() {
  const std::lock_guard lock(mutex_);
  // A round is as many requests as are allowed at once: together they add one twentieth.
  allowed_ = std::min<double>(limit_, allowed_ + 0.05);
}

void Pacer::rate_limited(double pause_s, Clock::time_point request_began) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  closed_until_ = std::max(closed_until_, now + duration_of(pause_s));
  if (request_began < last_cut_) return;
  last_cut_ = now;
  allowed_ = std::max(1.0, allowed_ * 0.8);
}

double Pacer::allowed() const {
  const std::lock_guard lock(mutex_);
  return allowed_;
}

}  // namespace iteralign
