#include "protocol/chat_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <utility>

#include "core/foreign_json.h"
#include "core/strings.h"

namespace iteralign {
namespace {

std::string string_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A count of tokens; some servers send it as text or with a fraction, and some send nonsense.
int count_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return 0;
  double count = found->is_number() ? found->get<double>() : 0;
  if (found->is_string()) count = std::strtod(found->get_ref<const std::string&>().c_str(), nullptr);
  return std::isfinite(count) && count > 0 ? static_cast<int>(std::min(count, 2e9)) : 0;
}

const Json* object_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

// A part of a content: {"type": "text", "text": "..."}, {"text": {"value": "..."}}, or text alone. Thoughts are no part of the answer.
std::string text_of_part(const Json& part) {
  if (part.is_string()) return part.get<std::string>();
  if (!part.is_object() || is_one_of(string_at(part, "type"), {"thinking", "reasoning", "redacted_thinking"})) return {};
  const Json* text = object_at(part, "text");
  return text != nullptr ? string_at(*text, "value") : string_at(part, "text");
}

// `content` is text, null, a part or a list of parts; some servers give the object that was asked for itself.
std::string content_of(const Json& message) {
  const auto found = message.find("content");
  if (found == message.end()) return {};
  if (found->is_object()) return found->contains("type") && found->contains("text") ? text_of_part(*found) : dump_json(*found);
  if (!found->is_array()) return string_at(message, "content");
  std::string text;
  for (const auto& part : *found) text += text_of_part(part);
  return text;
}

// Where a server puts an answer that is not in `content`: the call of a function, or all that its reasoning parser took for thought.
std::string answer_beside_content(const Json& message) {
  const auto arguments = [](const Json& function) {
    const auto found = function.find("arguments");
    return found != function.end() && found->is_object() ? dump_json(*found) : string_at(function, "arguments");
  };
  if (const auto calls = message.find("tool_calls");
      calls != message.end() && calls->is_array() && calls->size() == 1 && calls->front().is_object())
    if (const Json* function = object_at(calls->front(), "function")) return arguments(*function);
  if (const Json* function = object_at(message, "function_call")) return arguments(*function);
  for (const char* key : {"reasoning_content", "reasoning"})
    if (const std::string text = string_at(message, key); !text.empty()) return text;
  return {};
}

std::string refusal_of(const Json& message) {
  std::string refusal = string_at(message, "refusal");
  if (const auto parts = message.find("content"); parts != message.end() && parts->is_array())
    for (const auto& part : *parts)
      if (part.is_object()) refusal += string_at(part, "refusal");
  return refusal;
}

// Why the reply ended. OpenAI's words, and those of Gemini, Mistral, Anthropic, Zhipu and Bedrock that gateways hand on.
ChatFinish finish_of(const std::string& finish_reason) {
  const std::string reason = to_lower(finish_reason);
  if (reason.starts_with("content_filter") || reason.starts_with("content-filter") ||
      is_one_of(reason, {"safety", "prohibited_content", "blocklist", "recitation", "spii", "image_safety", "sensitive", "content_filtered",
                         "guardrail_intervened", "guardrails", "moderation", "blocked"}))
    return ChatFinish::content_filter;
  if (is_one_of(reason, {"length", "max_tokens", "model_length", "max_output_tokens", "max_completion_tokens"})) return ChatFinish::length;
  return reason == "refusal" ? ChatFinish::refusal : ChatFinish::stop;
}

std::optional<ChatReply> reply_of(const Json& choice) {
  ChatReply reply{.finish = finish_of(string_at(choice, "finish_reason")), .text = {}};
  const Json* message = object_at(choice, "message");
  if (message == nullptr) {
    if (reply.finish == ChatFinish::content_filter) return reply;
    reply.text = string_at(choice, "text");  // the older completions protocol
    return reply.text.empty() ? std::nullopt : std::optional(reply);
  }
  if (const std::string refusal = refusal_of(*message); !refusal.empty()) return ChatReply{.finish = ChatFinish::refusal, .text = refusal};
  reply.text = content_of(*message);
  if (reply.finish == ChatFinish::stop && trim(reply.text).empty()) reply.text = answer_beside_content(*message);
  return reply;
}

bool has_value(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null() && !(found->is_structured() && found->empty()) && *found != "" && *found != false;
}

// The error that a body without a usable choice holds.
std::optional<ServerError> error_of(const Json& value) {
  if (value.is_array() && value.size() == 1 && value.front().is_object()) return error_of(value.front());  // Gemini
  if (!value.is_object()) return {};
  for (const char* key : {"error", "errors", "promptFeedback", "detail", "message", "msg", "error_msg"})
    if (has_value(value, key) && !(value[key].is_object() && value[key].contains("content"))) return parse_server_error(value);
  return {};
}

// OpenRouter: {"choices": [{"error": {"code": 502, ...}, "finish_reason": "error", "message": {"content": ""}}]}
std::optional<ServerError> error_of_choice(const Json& choice, const Json& whole) {
  if (has_value(choice, "error")) return parse_server_error(Json{{"error", choice["error"]}});
  if (!is_one_of(to_lower(string_at(choice, "finish_reason")), {"error", "network_error", "abort", "aborted"})) return {};
  if (auto error = error_of(whole)) return error;
  return parse_server_error(Json{{"message", "the server gave up in the middle of its reply"}});
}

const char* finish_reason(ChatFinish finish) {
  switch (finish) {
    case ChatFinish::length:
      return "length";
    case ChatFinish::content_filter:
      return "content_filter";
    default:
      return "stop";
  }
}

}  // namespace

Json to_json(const ChatReply& reply, const std::string& model, std::int64_t number) {
  const bool refusal = reply.finish == ChatFinish::refusal;
  const Json message = {{"role", "assistant"},
                        {"content", refusal ? Json(nullptr) : Json(reply.text)},
                        {"refusal", refusal ? Json(reply.text) : Json(nullptr)}};
  return {{"id", fmt::format("chatcmpl-{}", number)},
          {"object", "chat.completion"},
          {"created", std::time(nullptr)},
          {"model", model},
          {"choices",
           Json::array({{{"index", 0}, {"message", message}, {"finish_reason", finish_reason(reply.finish)}, {"logprobs", nullptr}}})},
          {"usage",
           {{"prompt_tokens", reply.prompt_tokens},
            {"completion_tokens", reply.completion_tokens},
            {"total_tokens", reply.prompt_tokens + reply.completion_tokens}}}};
}

ReadChatReply read_chat_reply(const std::string& body) {
  const Json value = parse_foreign_json(body);
  const auto choices = value.is_object() ? value.find("choices") : value.end();
  const bool has_choice =
      value.is_object() && choices != value.end() && choices->is_array() && !choices->empty() && choices->front().is_object();
  if (!has_choice) return {{}, error_of(value)};
  const Json& choice = choices->front();
  if (auto error = error_of_choice(choice, value)) return {{}, std::move(error)};
  auto reply = reply_of(choice);
  if (!reply) return {{}, error_of(value)};
  if (const Json* usage = object_at(value, "usage")) {
    reply->prompt_tokens = count_at(*usage, "prompt_tokens");
    reply->completion_tokens = count_at(*usage, "completion_tokens");
  }
  return {std::move(reply), {}};
}

}  // namespace iteralign
