#pragma once
// A reply of the chat-completions protocol: written as OpenAI's is, read in all the forms that servers and gateways give it (vLLM,
// llama-server, Ollama, OpenRouter, Gemini, Anthropic, ...). Pure.

#include <cstdint>
#include <optional>
#include <string>

#include "core/json.h"
#include "protocol/server_error.h"

namespace iteralign {

// How a reply ended: by itself, at its length limit, by a filter, or with the model declining.
enum class ChatFinish { stop, length, content_filter, refusal };

struct ChatReply {
  ChatFinish finish = ChatFinish::stop;
  std::string text = {};  // the answer; of a refusal the model's words
  int prompt_tokens = 0, completion_tokens = 0;
};

// `number` tells the replies of a server apart.
Json to_json(const ChatReply& reply, const std::string& model, std::int64_t number);

// What the body of a 200 holds: a reply, an error, or neither (nothing whole, or another protocol).
struct ReadChatReply {
  std::optional<ChatReply> reply;
  std::optional<ServerError> error;  // of the whole body or of its only choice, as gateways send it
};
// Counts of tokens that a server does not send, or that are none, are 0.
ReadChatReply read_chat_reply(const std::string& body);

}  // namespace iteralign
