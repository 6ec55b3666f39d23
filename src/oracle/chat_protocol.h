#pragma once
// The chat-completions protocol as JSON: the body of a request, the reply in a body. Pure.
// https://platform.openai.com/docs/api-reference/chat, and what vLLM, llama-server, Ollama and OpenRouter make of it.

#include <optional>
#include <set>
#include <string>

#include "iteralign/oracle.h"
#include "oracle/dialect.h"
#include "oracle/server_error.h"

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

// A hash of all that the reply depends on: the server and the body as it is asked first, whatever the server takes of that: what is
// found out about it later makes no paid reply unusable.
std::string reply_key(const std::string& server, const ChatOptions& options, const OracleRequest& request);

// What the body of a 200 holds: a reply, an error, or neither (nothing whole, or another protocol).
struct ChatReply {
  std::optional<OracleReply> reply;
  std::optional<ServerError> error;  // of the whole body or of its only choice, as gateways send it
};
// Counts of tokens that a server does not send, or that are none, are 0.
ChatReply parse_chat_reply(const std::string& body);

}  // namespace iteralign
