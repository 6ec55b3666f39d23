#include "data/dialogue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::string_view kHuman = "\n\nHuman:", kAssistant = "\n\nAssistant:";

void add_turn(Messages& messages, const std::string& role, std::string_view content) {
  content = trim(content);
  if (content.empty()) return;
  if (!messages.empty() && messages.back().role == role)
    messages.back().content.append("\n\n").append(content);
  else
    messages.push_back({role, std::string(content)});
}

// Chat templates expect the user to speak first.
void drop_leading_assistant(Messages& messages) {
  const auto first = std::find_if(messages.begin(), messages.end(), [](const Message& m) { return m.role != "system"; });
  if (first != messages.end() && first->role == "assistant") messages.erase(first);
}

std::string standard_role(const std::string& role) {
  if (role == "human" || role == "User") return "user";
  if (role == "gpt" || role == "chatgpt" || role == "bot" || role == "model") return "assistant";
  return role;
}

}  // namespace

bool is_human_assistant(std::string_view text) { return contains("\n\n" + std::string(trim(text)), kHuman); }

Messages parse_human_assistant(std::string_view transcript) {
  const std::string text = "\n\n" + std::string(trim(replace_all(std::string(transcript), "\r\n", "\n")));
  Messages messages;
  std::size_t at = std::min(text.find(kHuman), text.find(kAssistant));
  while (at < text.size()) {
    const bool human = std::string_view(text).substr(at).starts_with(kHuman);
    const std::size_t begin = at + (human ? kHuman : kAssistant).size();
    at = std::min({text.find(kHuman, begin), text.find(kAssistant, begin), text.size()});
    add_turn(messages, human ? "user" : "assistant", std::string_view(text).substr(begin, at - begin));
  }
  drop_leading_assistant(messages);
  return messages;
}

std::optional<Messages> parse_messages(const Json& value) {
  if (!value.is_array() || value.empty()) return std::nullopt;
  Messages messages;
  for (const auto& turn : value) {
    if (!turn.is_object()) return std::nullopt;
    const bool share_gpt = turn.contains("from");
    const auto role = turn.find(share_gpt ? "from" : "role"), content = turn.find(share_gpt ? "value" : "content");
    if (role == turn.end() || content == turn.end() || !role->is_string() || !content->is_string()) return std::nullopt;
    const std::string standard = standard_role(role->get<std::string>());
    if (standard != "system" && standard != "user" && standard != "assistant") return std::nullopt;
    messages.push_back({standard, content->get<std::string>()});
  }
  drop_leading_assistant(messages);
  return messages;
}

Json messages_json(const Messages& messages) {
  Json list = Json::array();
  for (const auto& message : messages) list.push_back({{"role", message.role}, {"content", message.content}});
  return list;
}

Messages up_to_last_user(Messages messages) {
  while (!messages.empty() && messages.back().role != "user") messages.pop_back();
  return messages;
}

}  // namespace iteralign
