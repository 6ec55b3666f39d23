#pragma once
// A request of the chat-completions protocol, as clients write and servers read it. Pure.
// https://platform.openai.com/docs/api-reference/chat

#include <optional>
#include <string>
#include <variant>

#include "core/json.h"
#include "iteralign/records.h"
#include "protocol/chat_error.h"

namespace iteralign {

enum class ReplyFormat { text, json_object, json_schema };

struct ChatRequest {
  std::string model;                        // not sent when empty
  Messages messages;                        // roles are those of the protocol: "developer" too
  std::optional<double> temperature = {};   // nothing: the server's
  std::string length_field = "max_tokens";  // newer OpenAI models: max_completion_tokens
  std::optional<int> max_tokens = {};
  std::optional<int> seed = {};
  ReplyFormat format = ReplyFormat::text;
  std::string schema_name = {}, schema = {};  // of json_schema; the schema as text
};

// Throws Error data when the schema is no JSON.
Json to_json(const ChatRequest& request);

// What a server of ours reads: model, messages, format and the schema's name. Where the body is no chat request, the error to answer with.
std::variant<ChatRequest, ChatError> read_chat_request(const std::string& body);

}  // namespace iteralign
