#include "cli/output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>

#include "core/terminal_text.h"
#include "iteralign/error.h"

namespace iteralign {

void print(std::string_view foreign) {
  const std::string text = terminal_text(foreign);
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (errno == EPIPE) {  // `| head` has seen enough: end as other programs do
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  throw Error(ErrorKind::failed, "cannot write to standard output");
}

void print_line(std::string_view line) { print(std::string(line) + "\n"); }

void print_json(const Json& value) { print_line(dump_json(value)); }

}  // namespace iteralign
