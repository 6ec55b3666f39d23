#pragma once
// Replies that are kept: a question is asked once, by whoever is first, and whoever has the same one waits for that reply.
// Safe from many threads.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "iteralign/oracle.h"

namespace iteralign {

class KeptReplies {
 public:
  // `cache` may be null: then every question is asked. `check` is called often while one waits, and throws where that has no point any
  // more.
  KeptReplies(ReplyCache* cache, std::function<void()> check) : cache_(cache), check_(std::move(check)) {}

  // What `find` gives, marked as cached, or else what `ask` gives. Where the kept reply was of no use (OracleRequest::again) it is asked
  // for again, once a key.
  OracleReply reply_to(const std::string& key, bool again, const std::function<std::optional<OracleReply>(ReplyCache&)>& find,
                       const std::function<OracleReply()>& ask);

  void keep(const std::string& key, const std::string& request_json, const OracleReply& reply) {
    if (cache_ != nullptr) cache_->keep(key, request_json, reply);
  }

 private:
  class Claim;
  bool first_time_again(const std::string& key);

  ReplyCache* const cache_;
  const std::function<void()> check_;
  std::mutex mutex_;
  std::condition_variable claim_given_back_;
  std::set<std::string> claimed_;      // keys of the questions that are being asked
  std::set<std::string> asked_again_;  // keys of those whose kept reply was replaced
};

}  // namespace iteralign
