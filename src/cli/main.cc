// The program: parses the command line, runs one verb, makes an exit code of what went wrong.

#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/verbs.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/terminal_text.h"
#include "iteralign/error.h"
#include "stages/review.h"

namespace {

constexpr const char* kFooter = R"(Exit codes: 0 done; 1 the run failed; 2 command line or configuration; 3 an input file or a model;
4 the oracle, after retries; 5 a quality gate was not met: every iteration was rolled back; 6 new principles wait for review;
129, 130 and 143 stopped by a signal (SIGHUP, SIGINT, SIGTERM).

Examples:
  iteralign align configs/smollm2.yaml          align a real model (start or resume)
  iteralign plan configs/smollm2.yaml           what that would do and cost
  iteralign generate --model DIR --prompt 'Hi'  ask a model)";

// The first signal asks for a clean stop; a second one ends the program at once. A hangup is never the second: a terminal that is closed
// sends it more than once, and what stops a service sends it behind SIGTERM.
extern "C" void on_signal(int signal) {
  int first = 0;
  if (iteralign::interrupt_signal.compare_exchange_strong(first, signal)) return;
  if (signal == SIGHUP) return;
  if (first != SIGHUP) std::_Exit(128 + signal);
  iteralign::interrupt_signal.store(signal);
}

// The last words, in which servers, files and the command line are quoted.
void complain(const std::exception& error, const char* more = "") {
  std::fprintf(stderr, "iteralign: %s%s\n", iteralign::terminal_text(iteralign::redact(error.what())).c_str(), more);
}

int exit_code(const iteralign::Error& error) {
  if (dynamic_cast<const iteralign::WaitsForReview*>(&error) != nullptr) return iteralign::WaitsForReview::kExitCode;
  const int signal = iteralign::interrupt_signal.load();
  if (error.kind() == iteralign::ErrorKind::interrupted) return 128 + (signal == 0 ? SIGINT : signal);
  return error.exit_code();
}

int run_command_line(int argc, char** argv) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  if (std::signal(SIGHUP, on_signal) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // under nohup
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app("iteralign: iterative constitutional alignment of language models", "iteralign");
  app.footer(kFooter);
  app.set_version_flag("--version", "iteralign " ITERALIGN_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  bool quiet = false, verbose = false;
  app.add_flag("-q,--quiet", quiet, "warnings only");
  app.add_flag("-v,--verbose", verbose, "more of what happens");
  app.parse_complete_callback([&] {
    if (quiet) iteralign::set_log_level(iteralign::LogLevel::quiet);
    if (verbose) iteralign::set_log_level(iteralign::LogLevel::verbose);
  });
  for (const auto add :
       {iteralign::add_align,    iteralign::add_plan,          iteralign::add_init, iteralign::add_generate, iteralign::add_score,
        iteralign::add_tokenize, iteralign::add_chat_template, iteralign::add_eval, iteralign::add_compare,  iteralign::add_finetune,
        iteralign::add_import,   iteralign::add_export,        iteralign::add_show, iteralign::add_report,   iteralign::add_doctor,
        iteralign::add_judge,    iteralign::add_constitution,  iteralign::add_lab,  iteralign::add_oracle,   iteralign::add_completion})
    add(app);
  for (auto* verb : app.get_subcommands({})) verb->fallthrough();

  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    complain(error, "\nrun with --help for more");
    return static_cast<int>(iteralign::ErrorKind::usage);
  } catch (const iteralign::Error& error) {
    complain(error);
    return exit_code(error);
  } catch (const std::exception& error) {
    complain(error);
    return static_cast<int>(iteralign::ErrorKind::failed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int code = run_command_line(argc, argv);
  std::fflush(nullptr);
  std::_Exit(code);  // what is left to destroy are LibTorch's tables, which take longer than many a verb
}
