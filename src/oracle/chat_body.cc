#include "oracle/chat_body.h"

#include <algorithm>

#include "core/hash.h"
#include "core/json.h"
#include "protocol/chat_request.h"

namespace iteralign {
namespace {

// With the system's turn where the server takes it.
Messages messages_of(const OracleRequest& request, SystemRole system) {
  Messages messages;
  std::string before;
  for (const Message& message : request.messages) {
    if (message.role == "system" && system == SystemRole::user) {
      before += message.content + "\n\n";
      continue;
    }
    const bool developer = message.role == "system" && system == SystemRole::developer;
    messages.push_back({developer ? "developer" : message.role, before + message.content});
    before.clear();
  }
  if (!before.empty()) messages.push_back({"user", before});
  return messages;
}

ReplyFormat format_of(const OracleRequest& request, SchemaSupport support) {
  if (request.schema.empty() || support == SchemaSupport::none) return ReplyFormat::text;
  return support == SchemaSupport::json_object ? ReplyFormat::json_object : ReplyFormat::json_schema;
}

std::string length_field(const ChatOptions& options, LengthField length) {
  if (length == LengthField::configured) return options.max_tokens_field;
  return options.max_tokens_field == "max_tokens" ? "max_completion_tokens" : "max_tokens";
}

// The lowest temperature of servers that want one above 0: in effect none.
constexpr double kLeastTemperature = 0.01;

}  // namespace

std::string chat_body(const ChatOptions& options, const OracleRequest& request, const Dialect& dialect) {
  ChatRequest chat{.model = options.model,
                   .messages = messages_of(request, dialect.system),
                   .length_field = length_field(options, dialect.length),
                   .format = format_of(request, dialect.schema),
                   .schema_name = request.schema_name,
                   .schema = request.schema};
  if (options.send_temperature && dialect.temperature != TemperatureSupport::none)
    chat.temperature =
        dialect.temperature == TemperatureSupport::above_zero ? std::max(request.temperature, kLeastTemperature) : request.temperature;
  if (dialect.length != LengthField::none) chat.max_tokens = options.reply_max_tokens > 0 ? options.reply_max_tokens : request.max_tokens;
  if (request.repeat > 0 && !dialect.without_seed) chat.seed = request.repeat;
  Json body = to_json(chat);
  if (!options.extra_fields.empty()) body.merge_patch(parse_json(options.extra_fields, "oracle.body"));
  return dump_json(body);
}

std::set<std::string> fields_of(const std::string& body) {
  std::set<std::string> fields;
  const Json value = Json::parse(body);
  for (const auto& [key, member] : value.items()) fields.insert(key);
  if (!value.contains("messages")) return fields;
  for (const auto& message : value["messages"])
    if (message["role"] == "system" || message["role"] == "developer") fields.insert("system");
  return fields;
}

std::string reply_key(const std::string& server, const ChatOptions& options, const OracleRequest& request) {
  return hash128_hex(server + "\n" + chat_body(options, request, {}));
}

}  // namespace iteralign
