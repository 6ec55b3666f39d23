#pragma once
// What one HTTP reply means for a request: it is done, is tried again, is asked in another way, or no later one can succeed. Pure.

#include <ctime>
#include <optional>
#include <set>
#include <string>

#include "http/client.h"
#include "iteralign/oracle.h"
#include "oracle/dialect.h"
#include "oracle/retry_policy.h"

namespace iteralign {

enum class AttemptKind {
  done,         // `reply` is the reply
  failed,       // this request alone; `message` says why
  retry,        // may pass
  loading,      // will pass: the server loads its model
  unreachable,  // may pass; nobody can be reached if it does not
  refused,      // a field; to be asked again as `refusal` says
  fatal,        // no later request can succeed
};

struct Attempt {
  AttemptKind kind = AttemptKind::done;
  OracleReply reply;
  std::string fault;          // kind of fault for the counts; empty: none
  std::string message, hint;  // what went wrong and how to mend it
  RetryHeaders asked;
  std::optional<Refusal> refusal;
  bool rate_limited = false;  // all requests should slow down
  bool own_fault = false;     // failed by what it asks (too long): says nothing about the next request
  bool answered = false;      // by a 200, whatever is in it: it may have to be paid
};

struct AttemptContext {
  Dialect dialect;
  std::set<std::string> sent;   // fields_of() the body
  std::set<std::string> extra;  // those of them that oracle.body adds
  bool loopback = false;
  bool https = false;
  bool trusts_folders = false, trusts_certificates = false;  // of its own choice, not the system's
  std::string key_source;                                    // "the environment variable NAME", "oracle.headers"; empty: none is configured
};
Attempt read_attempt(const HttpReply& reply, const AttemptContext& context, std::time_t now);

}  // namespace iteralign
