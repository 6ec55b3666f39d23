#include "oracle/endpoint.h"

#include <algorithm>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kChatPath = "/chat/completions";

[[noreturn]] void fail(const std::string& what, const std::string& hint) { throw Error(ErrorKind::usage, what, "oracle.base_url", hint); }

bool is_loopback_host(std::string_view authority) {
  if (authority.starts_with("[")) return authority.starts_with("[::1]");
  const auto host = authority.substr(0, authority.find(':'));
  return host == "localhost" || host.ends_with(".localhost") ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace

Endpoint parse_endpoint(const std::string& base_url) {
  const std::string_view text = trim(base_url);
  const auto scheme_end = text.find("://");
  const std::string scheme = scheme_end == std::string_view::npos ? "" : to_lower(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https")
    fail("'" + shorten(text, 200) + "' is no http address", "give a URL such as http://127.0.0.1:8000/v1, or keyword or lab");
  std::string_view rest = text.substr(scheme_end + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string authority = to_lower(rest.substr(0, authority_end));
  if (contains(authority, "@"))
    fail("the URL holds a user name or password", "put the key into the variable that oracle.api_key_env names");
  if (authority.empty()) fail("the URL has no host", "give a URL such as https://api.openai.com/v1");
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '#'; };
  if (std::any_of(text.begin(), text.end(), is_bad)) fail("the URL holds a space, a control character or '#'", "remove it");

  rest.remove_prefix(authority_end);
  const auto path_end = std::min(rest.find('?'), rest.size());
  std::string_view path = rest.substr(0, path_end);
  const std::string query(rest.substr(path_end));
  const auto strip_slashes = [&] {
    while (path.ends_with('/')) path.remove_suffix(1);
  };
  strip_slashes();
  if (path.ends_with(kChatPath)) path.remove_suffix(kChatPath.size());
  strip_slashes();

  const std::string root = scheme + "://" + authority + (path.empty() ? "/v1" : std::string(path));
  return {root + query, root + std::string(kChatPath) + query, is_loopback_host(authority)};
}

}  // namespace iteralign
