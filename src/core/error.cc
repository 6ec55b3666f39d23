#include "iteralign/error.h"

#include <cstdio>
#include <cstdlib>

namespace iteralign {

Error::Error(ErrorKind kind, std::string what, std::string where, std::string hint)
    : kind_(kind), text_(std::move(what)), where_(std::move(where)), hint_(std::move(hint)) {
  message_ = where_.empty() ? text_ : where_ + ": " + text_;
  if (!hint_.empty()) message_ += " (" + hint_ + ")";
}

void abort_on_bug(const char* condition, const char* file, int line, std::string_view message) {
  std::fprintf(stderr, "iteralign: internal error at %s:%d: %.*s [%s]\n", file, line, static_cast<int>(message.size()), message.data(),
               condition);
  std::abort();
}

}  // namespace iteralign
