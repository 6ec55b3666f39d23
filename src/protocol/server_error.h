#pragma once
// What a server says when it refuses: the error in a body, in the many forms that servers and gateways give it. Pure.
// https://platform.openai.com/docs/guides/error-codes, and what Azure, Gemini, Anthropic, Mistral, Groq, OpenRouter, Bedrock, DashScope,
// FastAPI (vLLM), llama-server, Ollama and Cloudflare write in its place.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace iteralign {

struct ServerError {
  int status = 0;                   // as a number or a word in the body says, else 0
  std::vector<std::string> codes;   // what stands under code, type, status, reason, in lower case: "insufficient_quota"
  std::vector<std::string> fields;  // what stands under param and loc, in lower case: "response_format"
  std::string message;              // for people, in one line; the start of the body when it says nothing else
  std::string said;                 // all of it in lower case, codes too; never what the server echoes of the request
  std::optional<double> wait_s;     // "retryDelay": "30s", "try again in 3s"

  [[nodiscard]] bool says(std::string_view words) const { return said.find(words) != std::string::npos; }
  [[nodiscard]] bool says_one_of(std::initializer_list<const char*> phrases) const {
    for (const char* words : phrases)
      if (says(words)) return true;
    return false;
  }
};

ServerError parse_server_error(const std::string& body);
ServerError parse_server_error(const Json& value);

// "7.5s", "1m30s", "250ms", "2h"; nothing for anything else.
std::optional<double> parse_duration(std::string_view text);

}  // namespace iteralign
