#pragma once
// Threads that work through tasks. The first Error of a task stops the rest and comes out of wait().

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace iteralign {

class TaskPool {
 public:
  explicit TaskPool(int threads);
  ~TaskPool();  // drops tasks that have not begun and waits for those that have
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  void submit(std::function<void()> task);
  // True once a task has thrown: the producer may stop early.
  [[nodiscard]] bool failed() const;
  // Blocks until every task is done; rethrows the first exception.
  void wait();

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable ready_, idle_;
  std::deque<std::function<void()>> tasks_;
  std::size_t running_ = 0;
  bool closing_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace iteralign
