#pragma once
// What one HTTP reply means for a request: done, worth another try, or the end of all. Pure.

#include <ctime>
#include <string>

#include "iteralign/oracle.h"
#include "oracle/http_transport.h"
#include "oracle/retry_policy.h"

namespace iteralign {

enum class AttemptKind {
  done,         // `reply` is the reply
  failed,       // this request alone; `message` says why
  retry,        // may pass
  unreachable,  // may pass; nobody can be reached if it does not
  no_schema,    // the server does not take this response_format
  fatal,        // no later request can succeed
};

struct Attempt {
  AttemptKind kind = AttemptKind::done;
  OracleReply reply;
  std::string fault;          // kind of fault for the counts; empty: none
  std::string message, hint;  // what went wrong and how to mend it
  RetryHeaders asked;
  bool rate_limited = false;  // all requests should slow down
  bool own_fault = false;     // failed by what it asks (too long): says nothing about the next request
};

struct AttemptContext {
  bool schema_sent = false;
  bool loopback = false;
  std::string api_key_env;
};
Attempt read_attempt(const HttpReply& reply, const AttemptContext& context, std::time_t now);

}  // namespace iteralign
