#include "protocol/chat_request.h"

namespace iteralign {
namespace {

Json response_format(const ChatRequest& request) {
  if (request.format == ReplyFormat::json_object) return {{"type", "json_object"}};
  return {{"type", "json_schema"},
          {"json_schema", {{"name", request.schema_name}, {"strict", true}, {"schema", parse_json(request.schema, request.schema_name)}}}};
}

bool has_text(const Json& object, const char* key) { return object.is_object() && object.contains(key) && object[key].is_string(); }

void read_format(const Json& format, ChatRequest& request) {
  const std::string type = has_text(format, "type") ? format["type"].get<std::string>() : "";
  request.format = type == "text" ? ReplyFormat::text : type == "json_object" ? ReplyFormat::json_object : ReplyFormat::json_schema;
  const auto name = Json::json_pointer("/json_schema/name");
  if (format.contains(name) && format[name].is_string()) request.schema_name = format[name].get<std::string>();
}

}  // namespace

Json to_json(const ChatRequest& request) {
  Json body = Json::object();
  if (!request.model.empty()) body["model"] = request.model;
  body["messages"] = Json::array();
  for (const Message& message : request.messages) body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.max_tokens) body[request.length_field] = *request.max_tokens;
  if (request.seed) body["seed"] = *request.seed;
  if (request.format != ReplyFormat::text) body["response_format"] = response_format(request);
  return body;
}

std::variant<ChatRequest, ChatError> read_chat_request(const std::string& body) {
  const Json value = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return ChatError{.message = "the body is not a JSON object"};
  if (!value.contains("messages") || !value["messages"].is_array() || value["messages"].empty())
    return ChatError{.message = "messages must be a list that is not empty", .param = "messages"};
  ChatRequest request;
  for (const Json& message : value["messages"]) {
    if (!has_text(message, "role") || !has_text(message, "content"))
      return ChatError{.message = "a message needs role and content as text", .param = "messages"};
    request.messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  if (has_text(value, "model")) request.model = value["model"].get<std::string>();
  if (value.contains("response_format") && value["response_format"].is_object()) read_format(value["response_format"], request);
  return request;
}

}  // namespace iteralign
