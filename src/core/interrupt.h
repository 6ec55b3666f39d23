#pragma once
// A request to stop cleanly, set by a signal handler and asked between steps of long work.

#include <atomic>

namespace iteralign {

inline std::atomic<int> interrupt_signal{0};  // 0, SIGINT, SIGTERM or SIGHUP
static_assert(std::atomic<int>::is_always_lock_free, "set from a signal handler");

inline bool interrupted() { return interrupt_signal.load(std::memory_order_relaxed) != 0; }

}  // namespace iteralign
