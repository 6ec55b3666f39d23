#include "oracle/kept_replies.h"

#include <chrono>

namespace iteralign {

// The right to ask a question; others with the same question wait.
class KeptReplies::Claim {
 public:
  Claim(KeptReplies& replies, const std::string& key) : replies_(replies), key_(key) {
    std::unique_lock lock(replies_.mutex_);
    while (replies_.claimed_.contains(key_)) {
      lock.unlock();
      replies_.check_();
      lock.lock();
      replies_.claim_given_back_.wait_for(lock, std::chrono::milliseconds(50), [&] { return !replies_.claimed_.contains(key_); });
    }
    replies_.claimed_.insert(key_);
  }
  ~Claim() {
    const std::lock_guard lock(replies_.mutex_);
    replies_.claimed_.erase(key_);
    replies_.claim_given_back_.notify_all();
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  KeptReplies& replies_;
  const std::string& key_;
};

OracleReply KeptReplies::reply_to(const std::string& key, bool again, const std::function<std::optional<OracleReply>(ReplyCache&)>& find,
                                  const std::function<OracleReply()>& ask) {
  if (cache_ == nullptr) return ask();
  const Claim claim(*this, key);
  if (auto kept = find(*cache_); kept && !(again && first_time_again(key))) {
    kept->cached = true;
    return *kept;
  }
  return ask();
}

bool KeptReplies::first_time_again(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return asked_again_.insert(key).second;
}

}  // namespace iteralign
