#include "oracle/endpoint.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kChatPath = "/chat/completions";

[[noreturn]] void fail(const std::string& what, const std::string& hint) { throw Error(ErrorKind::usage, what, "oracle.base_url", hint); }

struct Authority {
  std::string host;  // "[::1]" with its brackets
  std::string port;  // without the colon
};

Authority parse_authority(const std::string& text) {
  const auto host_end = text.starts_with("[") ? text.find(']') : text.rfind(':');
  if (text.starts_with("[")) {
    if (host_end == std::string::npos) fail("the URL has a '[' without ']'", "write http://[::1]:8000/v1");
    return {text.substr(0, host_end + 1), text.substr(std::min(text.size(), host_end + 2))};
  }
  if (std::count(text.begin(), text.end(), ':') > 1)
    fail("the host has several colons", "write an IPv6 address in brackets: http://[::1]:8000/v1");
  if (host_end == std::string::npos) return {text, ""};
  if (host_end + 1 == text.size()) fail("the URL has a colon without a port", "give the port, or remove the colon");
  return {text.substr(0, host_end), text.substr(host_end + 1)};
}

void check_authority(const Authority& authority) {
  const auto is_host_byte = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (authority.host.empty()) fail("the URL has no host", "give a URL such as https://api.openai.com/v1");
  if (contains(authority.host, "..") || authority.host.starts_with(".") ||
      (!authority.host.starts_with("[") && !std::all_of(authority.host.begin(), authority.host.end(), is_host_byte)))
    fail("'" + authority.host + "' is no host name", "is a placeholder left in it?");
  if (authority.port.empty()) return;
  const bool digits = authority.port.find_first_not_of("0123456789") == std::string::npos && authority.port.size() <= 5;
  if (!digits || std::stoi(authority.port) < 1 || std::stoi(authority.port) > 65535)
    fail("the port '" + authority.port + "' is none", "a port is a number from 1 to 65535");
}

// What manuals write where the reader is to put something of his own; "${NAME}" is none.
void check_placeholder(const std::string& url) {
  static const std::regex kVariable(R"(\$\{[^}]*\})");
  const std::string lower = to_lower(std::regex_replace(url, kVariable, ""));
  for (const char* part : {"your-", "your_", "yourhost", "yourserver", "<", ">", "{", "}", "my-resource"})
    if (contains(lower, part))
      fail("the URL has a placeholder in it: '" + std::string(part) + "'", "put the name of your own server or resource in its place");
}

bool is_loopback_host(const std::string& host) {
  return host == "[::1]" || host == "localhost" || host.ends_with(".localhost") || host == "0.0.0.0" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

}  // namespace

Endpoint parse_endpoint(const std::string& base_url) {
  const std::string_view text = trim(base_url);
  const auto scheme_end = text.find("://");
  const std::string scheme = scheme_end == std::string_view::npos ? "" : to_lower(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https")
    fail("'" + shorten(text, 200) + "' is no http address",
         scheme.empty() && (contains(text, ".") || contains(text, ":"))
             ? "it begins with http:// or https://"
             : "give a URL such as http://127.0.0.1:8000/v1, or keyword, trained, lab or local");
  std::string_view rest = text.substr(scheme_end + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string authority = to_lower(rest.substr(0, authority_end));
  if (contains(authority, "@"))
    fail("the URL holds a user name or password", "put the key into the variable that oracle.api_key_env names");
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '#' || c == '\\' || c == '"'; };
  if (std::any_of(text.begin(), text.end(), is_bad))
    fail("the URL holds a space, a quote, a backslash, a control character or '#'", "remove it");

  rest.remove_prefix(authority_end);
  const auto path_end = std::min(rest.find('?'), rest.size());
  std::string_view path = rest.substr(0, path_end);
  const std::string query(rest.substr(path_end));
  check_placeholder(std::string(text));
  const Authority parts = parse_authority(authority);
  check_authority(parts);
  const auto strip_slashes = [&] {
    while (path.ends_with('/')) path.remove_suffix(1);
  };
  strip_slashes();
  if (path.ends_with(kChatPath)) path.remove_suffix(kChatPath.size());
  strip_slashes();
  for (const char* other : {"/completions", "/responses", "/embeddings", "/models", "/messages", "/api/chat", "/api/generate"})
    if (path.ends_with(other))
      fail("the URL ends in " + std::string(other) + ", which is another protocol", "give what comes before /chat/completions");

  const std::string root = scheme + "://" + authority + (path.empty() ? "/v1" : std::string(path));
  return {root + query, root + std::string(kChatPath) + query, is_loopback_host(parts.host), scheme == "https"};
}

}  // namespace iteralign
