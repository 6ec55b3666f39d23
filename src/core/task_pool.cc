#include "core/task_pool.h"

namespace iteralign {

TaskPool::TaskPool(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    tasks_.clear();
  }
  ready_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void TaskPool::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (error_) return;
    tasks_.push_back(std::move(task));
  }
  ready_.notify_one();
}

bool TaskPool::failed() const {
  const std::lock_guard lock(mutex_);
  return error_ != nullptr;
}

void TaskPool::wait() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return tasks_.empty() && running_ == 0; });
  if (error_) std::rethrow_exception(error_);
}

void TaskPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return closing_ || !tasks_.empty(); });
    if (closing_) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    ++running_;
    lock.unlock();
    std::exception_ptr error;
    try {
      task();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --running_;
    if (error && !error_) {
      error_ = error;
      tasks_.clear();
    }
    if (tasks_.empty() && running_ == 0) idle_.notify_all();
  }
}

}  // namespace iteralign
