#pragma once
// The body that the oracle is asked with, and the key under which its reply is kept. Pure.

#include <set>
#include <string>

#include "iteralign/oracle.h"
#include "oracle/dialect.h"

namespace iteralign {

struct ChatOptions {
  std::string model;                            // not sent when empty
  std::string max_tokens_field = "max_tokens";  // newer OpenAI models: max_completion_tokens
  bool send_temperature = true;                 // reasoning models refuse one
  int reply_max_tokens = 0;                     // in place of the request's limit; 0: the request's
  std::string extra_fields;                     // a JSON object over all others; null takes a field away
};

// A repeat above 0 is sent as `seed`, so that the same question asked again is another request.
std::string chat_body(const ChatOptions& options, const OracleRequest& request, const Dialect& dialect);

// The fields of a body by name; "system" where a turn has that role.
std::set<std::string> fields_of(const std::string& body);

// A hash of everything that the reply depends on: the server, and the body in the form in which it is asked first. What is found out later
// about the server's dialect does not make kept replies useless.
std::string reply_key(const std::string& server, const ChatOptions& options, const OracleRequest& request);

}  // namespace iteralign
