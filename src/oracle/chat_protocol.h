#pragma once
// The chat-completions protocol as JSON: the body of a request, the reply in a body, the error in a body. Pure.
// https://platform.openai.com/docs/api-reference/chat, and what vLLM, llama-server, Ollama and OpenRouter make of it.

#include <optional>
#include <string>

#include "iteralign/oracle.h"

namespace iteralign {

// How much of response_format the server takes; found out by asking.
enum class SchemaSupport { json_schema, json_object, none };

struct ChatOptions {
  std::string model;                            // not sent when empty
  std::string max_tokens_field = "max_tokens";  // newer OpenAI models: max_completion_tokens
  bool send_temperature = true;                 // reasoning models refuse one
};

// A repeat above 0 is sent as `seed`, so that the same question asked again is another request.
std::string chat_body(const ChatOptions& options, const OracleRequest& request, SchemaSupport support);

// A hash of all that the reply depends on: the server and the body with its full schema, whatever the server made of that.
std::string reply_key(const std::string& server, const ChatOptions& options, const OracleRequest& request);

// The reply in the body of a 200. Nothing when the body is not a whole chat completion.
// A server that sends no `usage` leaves the token counts at 0.
std::optional<OracleReply> parse_chat_reply(const std::string& body);

struct ServerError {
  int status = 0;           // as a number in the body says, else 0
  std::string code, param;  // "insufficient_quota", "response_format"; may be empty
  std::string message;      // or the start of the body when it is not JSON
};
ServerError parse_server_error(const std::string& body);

// A 200 whose body is an error object, as gateways send it.
std::optional<ServerError> error_in_success(const std::string& body);

}  // namespace iteralign
