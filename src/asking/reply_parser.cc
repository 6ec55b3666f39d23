#include "asking/reply_parser.h"

#include <algorithm>
#include <utility>

#include "core/json.h"
#include "core/strings.h"
#include "core/thought.h"

namespace iteralign {
namespace {

constexpr std::string_view kFinalChannels[] = {"<|channel|>final<|message|>", "assistantfinal"};
constexpr std::string_view kInvisible[] = {"\xEF\xBB\xBF", "\xE2\x80\x8B", "\xC2\xA0"};  // byte order mark, zero-width and fixed space

std::string_view trim_invisible(std::string_view text) {
  for (bool more = true; more;) {
    more = false;
    text = trim(text);
    for (const std::string_view mark : kInvisible) {
      if (text.starts_with(mark)) {
        text.remove_prefix(mark.size());
        more = true;
      }
      if (text.ends_with(mark)) {
        text.remove_suffix(mark.size());
        more = true;
      }
    }
  }
  return text;
}

// What is closed without having been opened began with the reply.
std::string without(std::string_view text, std::string_view open, std::string_view close) {
  std::string kept;
  for (;;) {
    const auto end = text.find(close);
    if (end == std::string_view::npos) return kept.append(text);
    const auto begin = text.substr(0, end).find(open);
    if (begin == std::string_view::npos)
      kept.clear();
    else
      kept.append(text.substr(0, begin));
    text.remove_prefix(end + close.size());
  }
}

std::string without_thinking(std::string_view reply) {
  std::string text(reply);
  for (const auto& [open, close] : thought_marks()) text = without(text, open, close);
  for (const std::string_view channel : kFinalChannels)
    if (const auto at = text.rfind(channel); at != std::string::npos) text.erase(0, at + channel.size());
  // A reply of thinking alone is read as it is.
  return trim(text).empty() ? std::string(reply) : text;
}

// A JSON text that holds the reply, as it is when a server or a model encodes it once too often.
std::string decoded(std::string_view reply) {
  constexpr int kDepth = 3;
  std::string text(trim_invisible(reply));
  for (int i = 0; i < kDepth && text.starts_with('"'); ++i) {
    const Json whole = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!whole.is_string()) break;
    text = trim_invisible(whole.get<std::string>());
  }
  return text;
}

Reading read_values(std::string_view text, bool exact) {
  Reading reading;
  ReplyValueReader reader(text, exact);
  std::size_t at = 0;
  const auto keep = [&](std::optional<ReplyValue> value) {
    if (value) reading.values.push_back(std::move(*value));
    return value.has_value();
  };
  if (text.starts_with('"') && keep(reader.read_members(at))) reading.prose += '\n';
  while (at < text.size()) {
    const auto next = std::min(text.find_first_of("{[", at), text.size());
    reading.prose += text.substr(at, next - at);
    at = next;
    if (at == text.size()) break;
    reading.prose += keep(reader.read(at)) ? '\n' : text[at++];
  }
  return reading;
}

bool same(const ReplyValue& a, const ReplyValue& b) {
  if (a.kind != b.kind || a.key != b.key || a.text != b.text || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same(a.items[i], b.items[i])) return false;
  return true;
}

// The list under the key, which may also be an object of named or numbered items, or the items one by one.
const ReplyValue* list_under(const ReplyValue& value, std::string_view key, int depth = 0) {
  constexpr int kDepth = 4;
  if (value.kind != ReplyValue::Kind::object || depth == kDepth) return nullptr;
  if (const ReplyValue* found = member(value, key)) return found->is_scalar() ? nullptr : found;
  for (const ReplyValue& inner : value.items)
    if (const ReplyValue* found = list_under(inner, key, depth + 1)) return found;
  return nullptr;
}

// "3", "3.0", "CASE 3", "Case #3", "P3": one number, behind what names it.
void add_number(std::vector<int>& numbers, std::string_view text, int count) {
  constexpr std::size_t kMostDigits = 6;
  text = trim(text);
  const auto begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos || text.front() == '-') return;
  const auto end = std::min(text.find_first_not_of("0123456789", begin), text.size());
  const std::string_view rest = text.substr(end);
  if (end - begin > kMostDigits ||
      !(rest.find_first_not_of(".0") == std::string_view::npos || rest.find_first_not_of(")]'\"` ") == std::string_view::npos))
    return;
  const int number = std::stoi(std::string(text.substr(begin, end - begin)));
  if (number >= 1 && number <= count && std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
}

}  // namespace

Reading read_reply(std::string_view reply) {
  const std::string text = decoded(reply);
  if (Json::accept(text)) return read_values(text, /*exact=*/true);
  const std::string answer = decoded(without_thinking(text));
  return read_values(answer, answer != text && Json::accept(answer));
}

std::vector<ReplyValue> reply_items(std::string_view reply, std::string_view key, std::string_view item_key) {
  const Reading reading = read_reply(reply);
  std::vector<ReplyValue> alone;
  const ReplyValue* found = nullptr;
  for (const ReplyValue& value : reading.values) {
    const ReplyValue* list = value.kind == ReplyValue::Kind::list ? &value : list_under(value, key);
    if (list == nullptr) {
      if (member(value, item_key) != nullptr) alone.push_back(value);
      continue;
    }
    // [{"principles": [...]}]
    if (list->items.size() == 1)
      if (const ReplyValue* inner = list_under(list->items[0], key)) list = inner;
    if (found != nullptr && !same(*found, *list)) return {};
    found = list;
  }
  return found != nullptr ? found->items : alone;
}

const ReplyValue* member(const ReplyValue& object, std::string_view key) {
  if (object.kind != ReplyValue::Kind::object) return nullptr;
  for (const ReplyValue& item : object.items)
    if (item.key.size() == key.size() && to_lower(item.key) == key) return &item;
  return nullptr;
}

std::string member_text(const ReplyValue& object, std::string_view key) {
  const ReplyValue* found = member(object, key);
  return found == nullptr || found->kind != ReplyValue::Kind::text || found->cut ? std::string() : std::string(trim(found->text));
}

std::string first_text(const ReplyValue& item, std::initializer_list<std::string_view> keys) {
  if (item.kind == ReplyValue::Kind::text && !item.cut) return std::string(trim(item.text));
  for (const std::string_view key : keys)
    if (std::string text = member_text(item, key); !text.empty()) return text;
  return {};
}

std::vector<int> case_numbers(const ReplyValue& item, int count) {
  std::vector<int> numbers;
  const ReplyValue* cases = member(item, "cases");
  if (cases == nullptr) cases = member(item, "case");
  if (cases == nullptr) add_number(numbers, item.key, count);  // {"CASE 1": "..."}
  if (cases == nullptr && numbers.empty()) return count == 1 ? std::vector<int>{1} : numbers;
  if (cases == nullptr || (cases->is_scalar() && cases->cut)) return numbers;
  if (cases->is_scalar()) {
    for (const std::string& part : split(replace_all(cases->text, " and ", ","), ',')) add_number(numbers, part, count);
  } else {
    for (const ReplyValue& number : cases->items)
      if (number.is_scalar() && !number.cut) add_number(numbers, number.text, count);
  }
  return numbers;
}

}  // namespace iteralign
