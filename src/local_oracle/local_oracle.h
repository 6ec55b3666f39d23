#pragma once
// The oracle as a second model on this machine: the same questions, kept replies and budget as with a server.
// A question with choices is answered by how likely they are behind its opening, without a text being generated.

#include <functional>
#include <string>

#include "iteralign/oracle.h"
#include "local_oracle/model_worker.h"
#include "oracle/chat_body.h"
#include "oracle/kept_replies.h"
#include "oracle/usage_ledger.h"

namespace iteralign {

struct LocalOracleOptions {
  std::string identity;           // of everything but the question that replies depend on: kept replies are found by it
  int reply_max_tokens = 0;       // of every reply, in place of the question's limit; 0: the question's
  Budget budget = {};             // tokens are those of questions and replies, as of a server: what is computed may be less
  OracleUsage spent_before = {};  // by earlier processes; counts against the budget
};

class LocalOracle : public Oracle {
 public:
  // `open` is called for the first question that no kept reply answers. `cache` may be null and outlives the oracle. `should_stop` is asked
  // between passes of the model.
  LocalOracle(LocalOracleOptions options, ModelWorker::OpenModel open, ReplyCache* cache, std::function<bool()> should_stop);
  ~LocalOracle() override;

  // See Oracle. A question that is longer than the model's context is ReplyStatus::failed; what opening the model or the model throws comes
  // out of every call that waits for it.
  OracleReply complete(const OracleRequest& request) override;
  [[nodiscard]] OracleUsage usage() const override;

 private:
  OracleReply ask(const OracleRequest& request, const std::string& key, const std::string& body);

  const LocalOracleOptions options_;
  KeptReplies kept_;
  UsageLedger ledger_;
  ModelWorker worker_;
};

}  // namespace iteralign
