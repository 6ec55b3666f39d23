#include "text/pcre2_code.h"

#include <array>

#include "iteralign/error.h"

namespace iteralign {
namespace {

PCRE2_SPTR bytes_of(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

Pcre2Code::Pcre2Code(const std::string& pattern, std::uint32_t options, std::string_view original, std::string where)
    : code_(nullptr, pcre2_code_free), where_(std::move(where)) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(bytes_of(pattern), pattern.size(), PCRE2_UTF | options, &error, &offset, nullptr));
  if (code_ == nullptr) {
    std::array<PCRE2_UCHAR, 256> message{};
    pcre2_get_error_message(error, message.data(), message.size());
    throw Error(ErrorKind::data,
                "regular expression: " + std::string(reinterpret_cast<const char*>(message.data())) + ": " + std::string(original), where_);
  }
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // where there is no JIT it is interpreted
}

bool Pcre2Code::match(std::string_view text, std::size_t start, const MatchData& data) const {
  const auto run = [&](std::uint32_t options) {
    return pcre2_match(code_.get(), bytes_of(text), text.size(), start, PCRE2_NO_UTF_CHECK | options, data.get(), nullptr);
  };
  int result = run(0);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = run(PCRE2_NO_JIT);
  if (result < 0 && result != PCRE2_ERROR_NOMATCH)
    throw Error(ErrorKind::data, "regular expression: a text is too hard to match (PCRE2 error " + std::to_string(result) + ")", where_);
  return result != PCRE2_ERROR_NOMATCH;
}

}  // namespace iteralign
