#include "oracle/chat_protocol.h"

#include <cstdlib>

#include "core/hash.h"
#include "core/json.h"
#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::size_t kKeptErrorBytes = 2048;

std::string string_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string();
}

int int_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? static_cast<int>(found->get<double>()) : 0;
}

const Json* object_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

// `content` is text, null, or a list of parts of which the text ones count.
std::string content_of(const Json& message) {
  const auto found = message.find("content");
  if (found == message.end() || !found->is_array()) return string_at(message, "content");
  std::string text;
  for (const auto& part : *found)
    if (part.is_object()) text += string_at(part, "text");
  return text;
}

Json response_format(const OracleRequest& request, SchemaSupport support) {
  if (support == SchemaSupport::json_object) return {{"type", "json_object"}};
  return {{"type", "json_schema"},
          {"json_schema", {{"name", request.schema_name}, {"strict", true}, {"schema", parse_json(request.schema, request.schema_name)}}}};
}

ServerError server_error(const Json& value) {
  const Json* error = object_at(value, "error");
  if (error == nullptr) error = &value;  // older vLLM has the fields at the top
  ServerError parsed;
  parsed.code = string_at(*error, "code");
  if (parsed.code.empty()) parsed.code = string_at(*error, "type");
  parsed.status = std::atoi(parsed.code.c_str());
  parsed.param = string_at(*error, "param");
  parsed.message = string_at(*error, "message");
  if (parsed.message.empty()) parsed.message = string_at(value, "error");   // Ollama: {"error": "text"}
  if (parsed.message.empty()) parsed.message = string_at(value, "detail");  // FastAPI
  return parsed;
}

}  // namespace

std::string chat_body(const ChatOptions& options, const OracleRequest& request, SchemaSupport support) {
  Json body = Json::object();
  if (!options.model.empty()) body["model"] = options.model;
  body["messages"] = Json::array();
  for (const auto& message : request.messages) body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  if (options.send_temperature) body["temperature"] = request.temperature;
  body[options.max_tokens_field] = request.max_tokens;
  if (request.repeat > 0) body["seed"] = request.repeat;
  if (!request.schema.empty() && support != SchemaSupport::none) body["response_format"] = response_format(request, support);
  return dump_json(body);
}

std::string reply_key(const std::string& server, const ChatOptions& options, const OracleRequest& request) {
  return hash128_hex(server + "\n" + chat_body(options, request, SchemaSupport::json_schema));
}

std::optional<OracleReply> parse_chat_reply(const std::string& body) {
  const Json value = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return {};
  const auto choices = value.find("choices");
  if (choices == value.end() || !choices->is_array() || choices->empty() || !choices->front().is_object()) return {};
  const Json* message = object_at(choices->front(), "message");
  if (message == nullptr) return {};

  OracleReply reply{ReplyStatus::answered, content_of(*message), 0, 0, false};
  if (const Json* usage = object_at(value, "usage")) {
    reply.prompt_tokens = int_at(*usage, "prompt_tokens");
    reply.completion_tokens = int_at(*usage, "completion_tokens");
  }
  const std::string refusal = string_at(*message, "refusal"), finish_reason = string_at(choices->front(), "finish_reason");
  if (!refusal.empty()) {
    reply.status = ReplyStatus::refused;
    reply.text = refusal;
  } else if (finish_reason == "content_filter") {
    reply.status = ReplyStatus::filtered;
  } else if (finish_reason == "length") {
    reply.status = ReplyStatus::truncated;
  }
  return reply;
}

ServerError parse_server_error(const std::string& body) {
  const Json value = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  ServerError error;
  if (value.is_object()) error = server_error(value);
  if (error.message.empty()) error.message = body;
  error.message = shorten(trim(error.message), kKeptErrorBytes);
  return error;
}

std::optional<ServerError> error_in_success(const std::string& body) {
  const Json value = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object() || value.contains("choices") || !value.contains("error") || value["error"].is_null()) return {};
  return parse_server_error(body);
}

}  // namespace iteralign
