#include "data/dialogue.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "core/strings.h"
#include "iteralign/error.h"

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

// Roles by the names that they have in data sets.
constexpr std::array<std::pair<std::string_view, const char*>, 20> kRoles = {{{"system", "system"},
                                                                              {"developer", "system"},
                                                                              {"user", "user"},
                                                                              {"human", "user"},
                                                                              {"prompter", "user"},
                                                                              {"question", "user"},
                                                                              {"assistant", "assistant"},
                                                                              {"gpt", "assistant"},
                                                                              {"chatgpt", "assistant"},
                                                                              {"bot", "assistant"},
                                                                              {"model", "assistant"},
                                                                              {"ai", "assistant"},
                                                                              {"function_call", "assistant"},
                                                                              {"tool_call", "assistant"},
                                                                              {"tool", "tool"},
                                                                              {"function", "tool"},
                                                                              {"ipython", "tool"},
                                                                              {"observation", "tool"},
                                                                              {"function_response", "tool"},
                                                                              {"tool_response", "tool"}}};

bool is_given(const Json& object, const char* name) {
  const auto value = object.find(name);
  if (value == object.end() || value->is_null()) return false;
  return value->is_boolean() ? value->get<bool>() : value->is_number() || !value->empty();
}

// A text, {"text": ...}, or a list of these; what else is in the list is no text.
bool add_content(const Json& content, Turn& turn) {
  if (content.is_null()) return true;
  if (content.is_string()) {
    turn.content += content.get_ref<const std::string&>();
    return true;
  }
  if (content.is_object()) {
    if (const auto text = content.find("text"); text != content.end() && text->is_string()) return add_content(*text, turn);
    turn.has_media = true;
    return content.contains("type");
  }
  return content.is_array() && std::all_of(content.begin(), content.end(), [&](const Json& part) { return add_content(part, turn); });
}

Turn parse_turn(const Json& value, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::data, what, where, "a turn has role (or from) system, user or assistant, and content (or value)");
  };
  const char* role_name = value.contains("role") ? "role" : "from";
  const auto role = value.find(role_name);
  if (role == value.end() || !role->is_string()) fail("has no role; its keys: " + key_list(value));
  const std::string said = to_lower(trim(role->get_ref<const std::string&>()));
  const auto* const known = std::find_if(kRoles.begin(), kRoles.end(), [&](const auto& entry) { return entry.first == said; });
  if (known == kRoles.end()) fail("has the unknown role '" + shorten(said, 40) + "'");
  auto content = value.end();
  for (const char* name : {"content", "value", "parts", "text"})
    if (content == value.end()) content = value.find(name);
  Turn turn{.role = known->second, .content = {}, .learnt = is_learnt(value, where)};
  turn.calls_tool = turn.role == "tool" || said == "function_call" || said == "tool_call" || is_given(value, "tool_calls") ||
                    is_given(value, "function_call");
  turn.has_media = is_given(value, "images") || is_given(value, "audio") || is_given(value, "videos");
  turn.has_thoughts = is_given(value, "reasoning_content") || is_given(value, "reasoning") || is_given(value, "thinking");
  if (content == value.end() && !turn.calls_tool) fail("has no content; its keys: " + key_list(value));
  if (content != value.end() && !add_content(*content, turn)) fail("has a content that is neither text nor a list of parts");
  return turn;
}

}  // namespace

std::string key_list(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(shorten(key, 40));
  constexpr std::size_t kShown = 12;
  if (keys.size() > kShown) {
    keys.resize(kShown);
    keys.emplace_back("...");
  }
  return keys.empty() ? "none" : join(keys, ", ");
}

bool is_learnt(const Json& object, const std::string& where) {
  for (const char* name : {"weight", "train", "training", "loss"}) {
    const auto value = object.find(name);
    if (value == object.end() || value->is_null()) continue;
    if (value->is_boolean()) {
      if (!value->get<bool>()) return false;
    } else if (*value == 0) {
      return false;
    } else if (std::string_view(name) == "weight" && *value != 1) {
      throw Error(ErrorKind::data, "has the weight " + dump_json(*value), where, "0 (not trained on) and 1 are understood");
    }
  }
  return true;
}

std::optional<std::vector<Turn>> parse_turns(const Json& value, const std::string& where) {
  if (!value.is_array() || value.empty()) return std::nullopt;
  if (!std::all_of(value.begin(), value.end(), [](const Json& turn) { return turn.is_object(); })) return std::nullopt;
  std::vector<Turn> turns;
  for (const Json& turn : value) turns.push_back(parse_turn(turn, where + ", turn " + std::to_string(turns.size() + 1)));
  return turns;
}

void drop_leading_assistant(Messages& messages) {
  const auto first = std::find_if(messages.begin(), messages.end(), [](const Message& m) { return m.role != "system"; });
  if (first != messages.end() && first->role == "assistant") messages.erase(first);
}

bool is_human_assistant(std::string_view text) {
  text = trim(text);
  return text.starts_with("Human:") || (text.starts_with("Assistant:") && contains(text, kHuman));
}

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
