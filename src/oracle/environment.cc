#include "oracle/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += std::isalnum(byte) != 0 || contains("-._~", std::string_view(&c, 1)) ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

std::string value_of(const std::string& name, const std::string& where) {
  const char* found = std::getenv(name.c_str());
  const std::string value(trim(found == nullptr ? "" : found));
  if (value.empty()) throw Error(ErrorKind::usage, "the environment variable " + name + " is not set", where, "put the secret into it");
  if (std::any_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }))
    throw Error(ErrorKind::usage, "the value of " + name + " holds a control character", where, "set it again");
  return value;
}

}  // namespace

Expanded expand_environment(const std::string& text, const std::string& where, bool in_url) {
  Expanded expanded;
  std::size_t at = 0;
  for (std::size_t begin; (begin = text.find("${", at)) != std::string::npos;) {
    const auto end = text.find('}', begin);
    if (end == std::string::npos) throw Error(ErrorKind::usage, "'${' without '}'", where, "write ${NAME}");
    const std::string value = value_of(text.substr(begin + 2, end - begin - 2), where);
    const std::string put_in = in_url ? percent_encoded(value) : value;
    expanded.text += text.substr(at, begin - at) + put_in;
    expanded.secrets.push_back(value);
    if (put_in != value) expanded.secrets.push_back(put_in);
    at = end + 1;
  }
  expanded.text += text.substr(at);
  return expanded;
}

}  // namespace iteralign
