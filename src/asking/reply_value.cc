#include "asking/reply_value.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "asking/reply_escapes.h"

namespace iteralign {
namespace {

struct Quotes {
  std::string_view open;
  std::array<std::string_view, 2> close;
};
// Longer than every key that anybody asks for; short, so that looking ahead stays cheap.
constexpr std::size_t kLongestKey = 80;

// Typographic ones may end with another of their kind.
constexpr std::array<Quotes, 6> kQuotes = {
    {{"\"", {"\"", ""}}, {"'", {"'", ""}}, {"\\\"", {"\\\"", ""}}, {"“", {"”", "“"}}, {"‘", {"’", "‘"}}, {"`", {"`", ""}}}};

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == ' '; }

}  // namespace

std::optional<ReplyValue> ReplyValueReader::read(std::size_t& at) {
  ReplyValue out;
  at_ = at;
  const char c = peek(at);
  // A list in prose is no value: [1], [harmless].
  const char inner = c == '[' ? peek(behind_space(at + 1)) : '\0';
  if ((c != '{' && c != '[') || (c == '[' && inner != '{' && inner != '[' && inner != '"' && inner != '\'')) return {};
  if (!value(out, Place::item, 0)) return {};
  at = at_;
  return out;
}

std::optional<ReplyValue> ReplyValueReader::read_members(std::size_t& at) {
  ReplyValue out{.kind = ReplyValue::Kind::object};
  at_ = at;
  if (!elements(out, 1)) return {};
  at = at_;
  return out;
}

bool ReplyValueReader::value(ReplyValue& out, Place place, int depth) {
  if (depth > kMaxDepth) {
    work_left_ = 0;  // nobody reads a verdict out of that
    return false;
  }
  at_ = behind_space(at_);
  const char open = peek(at_);
  if (open != '{' && open != '[') return scalar(out, place);
  ++at_;
  out.kind = open == '{' ? ReplyValue::Kind::object : ReplyValue::Kind::list;
  return elements(out, depth + 1);
}

// Behind the opening bracket of an object or a list. What cannot be read any more ends one that holds something.
bool ReplyValueReader::elements(ReplyValue& out, int depth) {
  const bool object = out.kind == ReplyValue::Kind::object;
  for (;;) {
    std::size_t next = behind_space(at_);
    while (mark_length(next, ',') > 0) next = behind_space(next + mark_length(next, ','));
    if (at_end(next)) {
      out.cut = true;
      at_ = next;
      return work(1) && !out.items.empty();
    }
    if (peek(next) == (object ? '}' : ']')) {
      at_ = next + 1;
      return true;
    }
    const std::size_t behind_last = at_;
    at_ = next;
    ReplyValue element;
    std::string name;
    if ((object && !key(name)) || !value(element, object ? Place::member : Place::item, depth)) {
      at_ = behind_last;
      return work(1) && !out.items.empty();
    }
    element.key = std::move(name);
    out.items.push_back(std::move(element));
  }
}

// A name, quoted or not, and the colon behind it.
bool ReplyValueReader::key(std::string& out) {
  ReplyValue name;
  names_quoted_ = !is_name_start(peek(at_));
  if (!names_quoted_) {
    const std::size_t begin = at_;
    while (is_name(peek(at_))) ++at_;
    name.text = text_.substr(begin, at_ - begin);
    while (name.text.ends_with(' ')) name.text.pop_back();
    if (!work(at_ - begin)) return false;
  } else if (!scalar(name, Place::key) || name.kind != ReplyValue::Kind::text || name.cut) {
    return false;
  }
  at_ = behind_space(at_);
  const std::size_t colon = mark_length(at_, ':');
  at_ += colon;
  out = std::move(name.text);
  return colon > 0;
}

bool ReplyValueReader::key_follows(std::size_t at) {
  const auto colon_behind = [&](std::size_t end) { return mark_length(behind_space(end), ':') > 0; };
  for (const Quotes& quotes : kQuotes) {
    if (!starts(at, quotes.open)) continue;
    const std::string_view window = text_.substr(at + quotes.open.size(), kLongestKey);
    for (const std::string_view close : quotes.close) {
      const auto end = close.empty() ? std::string_view::npos : window.find(close);
      if (!work(window.size())) return false;
      if (end != std::string_view::npos && end > 0 && window.substr(0, end).find('\n') == std::string_view::npos)
        return colon_behind(at + quotes.open.size() + end + close.size());
    }
    return false;
  }
  std::size_t end = at;
  if (names_quoted_ || !is_name_start(peek(at))) return false;
  while (end - at < kLongestKey && is_name(peek(end))) ++end;
  return work(end - at) && colon_behind(end);
}

bool ReplyValueReader::scalar(ReplyValue& out, Place place) {
  for (const Quotes& quotes : kQuotes) {
    if (!starts(at_, quotes.open)) continue;
    const std::size_t begin = at_ + quotes.open.size();
    ReplyValue best;
    std::size_t best_end = 0;
    for (const std::string_view close : quotes.close) {
      if (close.empty()) continue;
      at_ = begin;
      ReplyValue read{.kind = ReplyValue::Kind::text};
      quoted(read, close, place);
      if (best_end == 0 || (best.cut && !read.cut)) {
        best = std::move(read);
        best_end = at_;
      }
      if (!best.cut) break;
    }
    at_ = best_end;
    out = std::move(best);
    return work(1);
  }
  if (place == Place::key) return false;
  word(out, place);
  return !out.text.empty() && work(1);
}

// Behind the opening quote. A quote ends the text where what follows can follow a text; without such a place the text is cut, and reaches
// to the first quote.
void ReplyValueReader::quoted(ReplyValue& out, std::string_view close, Place place) {
  const std::size_t begin = at_;
  std::size_t first_quote = std::string_view::npos, i = begin;
  const bool escaped_quotes = close.starts_with('\\');
  const auto take = [&](std::size_t end, std::size_t behind) {
    std::string inner(text_.substr(begin, end - begin));
    if (escaped_quotes) inner = unescaped(inner);
    out.text = unescaped(inner);
    at_ = behind;
  };
  const char stops[] = {close.front(), '\\', '\0'};
  for (;;) {
    i = std::min(i, text_.size());  // an escape may be cut
    const std::size_t next = std::min(text_.find_first_of(stops, i), text_.size());
    if (!work(next - i + 1) || at_end(next) || (place == Place::key && !exact_ && next - begin > kLongestKey)) break;
    i = next;
    if (starts(i, close)) {
      if (ends_here(i + close.size(), place)) return take(i, i + close.size());
      if (first_quote == std::string_view::npos) first_quote = i;
      i += close.size();
    } else if (peek(i) == '\\') {
      i += escaped_quotes && starts(i, R"(\\\)") ? 4 : 2;
    } else {
      ++i;
    }
  }
  out.cut = true;
  if (first_quote == std::string_view::npos) return take(text_.size(), text_.size());
  take(first_quote, first_quote + close.size());
}

// Without quotes: to the end of the line at the latest.
void ReplyValueReader::word(ReplyValue& out, Place place) {
  const std::size_t begin = at_;
  std::size_t end = begin;
  for (; !at_end(at_); ++at_) {
    const char c = peek(at_);
    if (c == '\n' || c == '{' || c == '[' || c == '"' || c == '}' || c == ']' || !work(1)) break;
    if (mark_length(at_, ',') > 0 && (place == Place::item || ends_here(at_, place))) break;
    if ((c == '#' || starts(at_, "//") || starts(at_, "/*")) && at_ > begin) break;
    if (c != ' ' && c != '\t' && c != '\r') end = at_ + 1;
  }
  out.kind = ReplyValue::Kind::word;
  out.text = text_.substr(begin, end - begin);
  out.cut = at_end(at_);
}

// Can a key or value end before `at`?
bool ReplyValueReader::ends_here(std::size_t at, Place place) {
  if (exact_) return true;
  std::size_t next = behind_space(at);
  if (place == Place::key) return mark_length(next, ':') > 0;
  if (at_end(next)) return work(1);  // not when work ended it
  const char close = place == Place::item ? ']' : '}';
  if (peek(next) == close) return true;
  if (mark_length(next, ',') == 0) return place == Place::member && next > at && names_quoted_ && key_follows(next);  // a comma is missing
  next = behind_space(next + mark_length(next, ','));
  if (at_end(next) || peek(next) == close) return true;
  if (place == Place::member) return key_follows(next);
  const char c = peek(next);
  return c == '"' || c == '\'' || c == '{' || c == '[' || c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Behind white space and comments.
std::size_t ReplyValueReader::behind_space(std::size_t at) {
  const std::size_t begin = at;
  const auto behind = [&](std::string_view end, std::size_t from) {
    const auto found = text_.find(end, from);
    return found == std::string_view::npos ? text_.size() : found + end.size();
  };
  while (!at_end(at)) {
    if (std::isspace(static_cast<unsigned char>(peek(at))) != 0)
      ++at;
    else if (starts(at, "//") || peek(at) == '#')
      at = behind("\n", at);
    else if (starts(at, "/*"))
      at = behind("*/", at + 2);
    else
      break;
  }
  return work(at - begin) ? at : text_.size();
}

bool ReplyValueReader::work(std::size_t steps) {
  work_left_ -= std::min(work_left_, steps);
  return work_left_ > 0;
}

// Of a colon or comma, that of ASCII or the full-width one.
std::size_t ReplyValueReader::mark_length(std::size_t at, char mark) const {
  if (peek(at) == mark) return 1;
  return starts(at, mark == ':' ? "：" : "，") ? 3 : 0;
}

}  // namespace iteralign
