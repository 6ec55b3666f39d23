#include "config/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <string_view>

#include "core/json.h"
#include "core/log.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kMend = "put it into an environment variable and write ${NAME} in its place";

bool is_secret_name(std::string_view name) {
  constexpr std::array kParts = {"key", "token", "secret", "auth", "passw", "pwd", "cookie", "credential", "signature"};
  const std::string lower = to_lower(name);
  return lower == "sig" || lower == "code" || lower == "pass" ||
         std::any_of(kParts.begin(), kParts.end(), [&](const char* part) { return contains(lower, part); });
}

bool is_from_environment(std::string_view value) { return contains(value, "${"); }

// A long run of letters and digits: no word, no date, no version.
bool looks_like_secret(std::string_view value) {
  constexpr std::size_t kShortestSecret = 20;
  if (redact(value) != value) return true;
  std::size_t run = 0;
  bool digits = false, letters = false;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    run = std::isalnum(byte) != 0 || c == '_' ? run + 1 : 0;
    if (run == 0) digits = letters = false;
    digits |= std::isdigit(byte) != 0;
    letters |= std::isalpha(byte) != 0;
    if (run >= kShortestSecret && digits && letters) return true;
  }
  return false;
}

bool is_secret(std::string_view name, std::string_view value) {
  return !value.empty() && !is_from_environment(value) && (is_secret_name(name) || looks_like_secret(value));
}

// Calls the function with name and value of each parameter of the query, in order, and puts the result in place of the value.
std::string map_query(const std::string& url, const std::function<std::string(std::string_view, std::string_view)>& replace) {
  const auto begin = url.find('?');
  if (begin == std::string::npos) return url;
  std::vector<std::string> pairs = split(std::string_view(url).substr(begin + 1), '&');
  for (std::string& pair : pairs)
    if (const auto equals = pair.find('='); equals != std::string::npos)
      pair = pair.substr(0, equals + 1) + replace(std::string_view(pair).substr(0, equals), std::string_view(pair).substr(equals + 1));
  return url.substr(0, begin + 1) + join(pairs, "&");
}

// Names of accounts and deployments, which addresses may show.
bool is_identifier(std::string_view part) { return part.find_first_not_of("0123456789abcdef-") == std::string_view::npos; }

void refuse_in_path(std::string_view path) {
  for (const std::string& part : split(path, '/'))
    if (!is_from_environment(part) && !is_identifier(part) && looks_like_secret(replace_all(part, "_", "-")))  // llama_3_1_70b_instruct
      throw Error(ErrorKind::usage, "the path of the URL holds what looks like a key, which would be written to every run folder",
                  "oracle.base_url", kMend);
}

void refuse_in_url(const std::string& url) {
  const auto begin = url.find("://");
  const auto path = std::min(url.find_first_of("/?#", begin == std::string::npos ? 0 : begin + 3), url.size());
  const std::string authority = begin == std::string::npos ? "" : url.substr(begin + 3, path - begin - 3);
  if (contains(authority, "@"))
    throw Error(ErrorKind::usage, "the URL holds a user name or password", "oracle.base_url",
                "a key belongs into the environment variable that oracle.api_key_env names; for a name and a password write "
                "oracle.headers: {Authorization: \"Basic ${NAME}\"}");
  if (begin != std::string::npos) refuse_in_path(std::string_view(url).substr(path, url.find('?') - path));
  map_query(url, [](std::string_view name, std::string_view value) {
    if (is_secret(name, value))
      throw Error(ErrorKind::usage,
                  "the parameter '" + std::string(name) + "' of the URL holds a secret, which would be written to every run folder",
                  "oracle.base_url", kMend);
    return std::string(value);
  });
}

void refuse_in_body(const Json& value, const std::string& where) {
  for (const auto& [key, member] : value.items()) {
    const std::string path = value.is_object() ? where + "." + key : where;
    if (member.is_structured()) refuse_in_body(member, path);
    // Many ordinary fields have "token" or "key" in their name: here the value decides.
    if (member.is_string() && redact(member.get<std::string>()) != member.get<std::string>())
      throw Error(ErrorKind::usage, "holds a secret, which would be written to every run folder", path,
                  "send it in oracle.headers, as ${NAME}");
  }
}

}  // namespace

void refuse_secrets(const OracleConfig& oracle) {
  refuse_in_url(oracle.base_url);
  for (const auto& [name, value] : oracle.headers)
    if (is_secret(name, value))
      throw Error(ErrorKind::usage, "holds a secret, which would be written to every run folder", "oracle.headers." + name, kMend);
  if (!oracle.body.text.empty()) refuse_in_body(parse_json(oracle.body.text, "oracle.body"), "oracle.body");
}

std::string without_secrets(const std::string& url) {
  return map_query(url, [](std::string_view name, std::string_view value) {
    return is_from_environment(value) || is_secret(name, value) ? std::string("...") : std::string(value);
  });
}

}  // namespace iteralign
