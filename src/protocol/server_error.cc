#include "protocol/server_error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <regex>

#include "core/foreign_json.h"
#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::size_t kKeptErrorBytes = 2048;
constexpr std::size_t kReadErrorBytes = 16384;  // of one text; the rest of a page says nothing
constexpr int kDeepestError = 8;

// A text that holds an error object itself: OpenRouter's metadata.raw, a gateway that quotes the provider's reply.
Json json_inside(const std::string& text) {
  const auto begin = text.find('{'), end = text.rfind('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return parse_foreign_json(std::string_view(text).substr(begin, end + 1 - begin));
}

// Walks an error object: only under the keys that errors use, so that a prompt which is echoed is not read.
class Reader {
 public:
  explicit Reader(ServerError& error) : error_(error) {}

  void read(const Json& value, int depth = 0) {
    if (depth > kDeepestError) return;
    if (value.is_array()) {
      for (const auto& item : value) item.is_string() ? text(item.get<std::string>(), depth) : read(item, depth + 1);
    } else if (value.is_object()) {
      for (const auto& [key, member] : value.items()) read_member(to_lower(key), member, depth);
    }
  }

 private:
  void read_member(const std::string& key, const Json& value, int depth) {
    if (is_one_of(key, {"code", "type", "status", "reason", "reasons", "blockreason", "block_reason", "__type", "error_code", "@type",
                        "errorcode"}))
      code(value, depth);
    else if (is_one_of(key,
                       {"message", "msg", "error_msg", "error_message", "errormessage", "title", "description", "raw", "detail", "error"}))
      value.is_string() ? text(value.get<std::string>(), depth) : read(value, depth + 1);
    else if (is_one_of(key, {"errors", "metadata", "details", "innererror", "inner_error", "promptfeedback", "prompt_feedback", "cause",
                             "body", "response"}))
      value.is_string() ? text(value.get<std::string>(), depth) : read(value, depth + 1);
    else if (is_one_of(key, {"param", "loc"}))
      field(value);
    else if (is_one_of(key, {"retrydelay", "retry_delay", "retry_after", "estimated_time"}))
      wait(value);
    else if (key == "failed_generation")
      say(key);
  }

  void code(const Json& value, int depth) {
    if (value.is_array()) {
      for (const auto& item : value) code(item, depth);
    } else if (value.is_string() || value.is_number_integer()) {
      const std::string word = to_lower(value.is_string() ? value.get<std::string>() : value.dump());
      int number = 0;
      const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), number);
      if (fault == std::errc{} && end == word.data() + word.size() && number >= 300 && number < 600 && error_.status == 0)
        error_.status = number;
      error_.codes.push_back(word);
      say(word);
    } else {
      read(value, depth + 1);
    }
  }

  // {"loc": ["body", "messages", 0, "role"]} is the field messages[0].role.
  void field(const Json& value) {
    std::string path;
    if (value.is_string()) path = value.get<std::string>();
    if (value.is_array())
      for (const auto& part : value)
        if (part.is_string() && part != "body") path += (path.empty() ? "" : ".") + part.get<std::string>();
    if (!path.empty()) error_.fields.push_back(to_lower(path));
  }

  void wait(const Json& value) {
    if (value.is_number() && value.get<double>() > 0) error_.wait_s = value.get<double>();
    if (value.is_string() && !error_.wait_s) error_.wait_s = parse_duration(value.get<std::string>());
  }

  void text(const std::string& whole, int depth) {
    const std::string part(trim(std::string_view(whole).substr(0, kReadErrorBytes)));
    if (const Json inner = json_inside(part); inner.is_object() && depth < kDeepestError) {
      const std::string before(trim(std::string_view(part).substr(0, part.find('{'))));
      if (!before.empty()) show(before);
      return read(inner, depth + 1);
    }
    show(part);
  }

  void show(const std::string& text) {
    if (text.empty() || contains(error_.message, text)) return;
    error_.message += (error_.message.empty() ? "" : "; ") + text;
    say(text);
  }

  void say(const std::string& text) { error_.said += to_lower(text) + "\n"; }

  ServerError& error_;
};

std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (!space || !line.ends_with(' ')) line += space ? ' ' : c;
  }
  return line;
}

// "Please try again in 7m12.5s", "retry after 30 seconds"
std::optional<double> wait_in_words(const std::string& said) {
  static const std::regex kWait(
      R"((?:(?:try again|retry(?:ing)?|available|reset(?:s)?) (?:in|after)|wait(?: for)?):? (?:about )?([0-9][0-9a-z.]*)( ?(?:milliseconds|ms|seconds|second|secs|sec|minutes|minute|mins|min|hours|hour))?)");
  std::smatch found;
  if (!std::regex_search(said, found, kWait)) return {};
  std::string duration = found[1].str();
  while (duration.ends_with('.')) duration.pop_back();  // the end of the sentence
  if (duration.find_first_not_of("0123456789.") == std::string::npos) {
    const std::string unit(trim(found[2].str()));
    duration += unit.starts_with("mil") || unit == "ms" ? "ms" : unit.starts_with("m") ? "m" : unit.starts_with("h") ? "h" : "s";
  }
  return parse_duration(duration);
}

// Where only words say what kind it is: the HTTP status that they mean.
int status_in_words(const ServerError& error) {
  struct Words {
    int status;
    std::initializer_list<const char*> parts;
  };
  static const std::array kWords = {
      Words{429,
            {"rate_limit", "rate limit", "ratelimit", "resource_exhausted", "too_many_requests", "too many requests", "throttling",
             "insufficient_quota"}},
      Words{401, {"invalid_api_key", "invalid api key", "authentication", "unauthenticated", "not authenticated", "unauthorized"}},
      Words{403, {"permission_denied", "permission_error", "forbidden"}},
      Words{404, {"model_not_found", "not_found_error", "notfound"}},
      Words{503, {"overloaded", "unavailable", "server_error", "internal_error", "timed out", "timeout"}},
      Words{400,
            {"invalid_request", "bad_request", "badrequest", "invalid_argument", "validationexception", "invalid_prompt", "content_filter",
             "blockreason"}}};
  for (const auto& words : kWords)
    for (const char* part : words.parts)
      if (error.says(part)) return words.status;
  return 0;
}

}  // namespace

std::optional<double> parse_duration(std::string_view text) {
  double seconds = 0;
  if (text.empty()) return {};
  while (!text.empty()) {
    double number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (fault != std::errc{} || number < 0) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto unit_end = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view unit = text.substr(0, unit_end);
    if (unit != "ms" && unit != "s" && unit != "m" && unit != "h" && unit != "d") return {};
    seconds += number * (unit == "ms" ? 0.001 : unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 86400);
    text.remove_prefix(unit_end);
  }
  return seconds;
}

ServerError parse_server_error(const Json& value) {
  ServerError error;
  Reader(error).read(value);
  if (error.message.empty() && value.is_string()) error.message = value.get<std::string>();
  if (error.message.empty() && !error.codes.empty()) error.message = join(error.codes, ", ");
  if (error.message.empty()) error.message = "an error without a word";
  if (!error.wait_s) error.wait_s = wait_in_words(error.said);
  if (error.status == 0) error.status = status_in_words(error);
  error.message = shorten(trim(one_line(error.message)), kKeptErrorBytes);
  return error;
}

ServerError parse_server_error(const std::string& body) {
  const Json value = parse_foreign_json(body);
  if (value.is_structured() && !value.empty()) return parse_server_error(value);
  ServerError error;
  error.message = shorten(trim(one_line(body.substr(0, kReadErrorBytes))), kKeptErrorBytes);
  error.said = to_lower(error.message);
  error.wait_s = wait_in_words(error.said);
  return error;
}

}  // namespace iteralign
