#pragma once
// The three kinds of wrong.
//   A bug of ours:          ITERALIGN_CHECK aborts with a message.
//   A failed operation:     one Error is thrown; only main() (and the edge of a thread) catches it.
//   An expected outcome:    a value that is stored (a judge's refusal, an unparsable reply), never an Error.

#include <exception>
#include <string>
#include <string_view>

namespace iteralign {

// What failed, by who can mend it. The number is the exit code of the program.
enum class ErrorKind {
  failed = 1,         // the run failed
  usage = 2,          // command line or configuration
  data = 3,           // an input file or a model
  remote = 4,         // the oracle, after retries
  gate = 5,           // a quality gate was not met
  interrupted = 130,  // SIGINT; 143 (SIGTERM) is made from it in main
};

// A failed operation. `what` says what happened, `where` names the file, line or key, `hint` says how to mend it
// (both may be empty). what() joins the three: "where: what (hint)".
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string what, std::string where = {}, std::string hint = {});

  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] ErrorKind kind() const { return kind_; }
  [[nodiscard]] int exit_code() const { return static_cast<int>(kind_); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& hint() const { return hint_; }

 private:
  ErrorKind kind_;
  std::string text_, where_, hint_, message_;
};

[[noreturn]] void abort_on_bug(const char* condition, const char* file, int line, std::string_view message);

}  // namespace iteralign

// A condition that only a bug of ours can break.
#define ITERALIGN_CHECK(condition, message)                                                 \
  do {                                                                                      \
    if (!(condition)) ::iteralign::abort_on_bug(#condition, __FILE__, __LINE__, (message)); \
  } while (false)
