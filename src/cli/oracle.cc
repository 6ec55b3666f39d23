// iteralign oracle: serves an embedded oracle alone; forgets kept replies.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "cli/output.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "offline/embedded_oracle.h"
#include "stages/forget.h"
#include "store/run_store.h"

namespace iteralign {
namespace {

struct ServeFlags {
  std::string name;
  LoopbackOptions options;
};

struct ForgetFlags {
  std::string run, containing;
  bool all = false;
};

void serve(const ServeFlags& flags) {
  if (flags.name.empty()) throw Error(ErrorKind::usage, "needs the name of an embedded oracle", "oracle", "keyword, trained or lab");
  const EmbeddedOracle oracle(flags.name, flags.options);
  print_line(oracle.base_url());
  while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

void forget(const ForgetFlags& flags) {
  // Beside runs there are the files of `eval` and `judge calibrate`.
  const bool is_file = flags.run.ends_with(".db") && exists(flags.run) && !is_directory(flags.run);
  const std::string folder = is_file ? "" : find_run(flags.run);
  std::optional<FileLock> lock;
  if (!is_file) lock.emplace(join_path(folder, "lock"), "this run");
  RunStore store(is_file ? flags.run : join_path(folder, "run.db"));
  const int forgotten = store.forget_replies([&](const std::string& request, const OracleReply& reply) {
    if (!flags.containing.empty()) return holds_text(request, reply, flags.containing);
    return flags.all || gave_nothing(request, reply);
  });
  print_line(fmt::format("{} kept replies forgotten; they are asked for again where they are still needed", forgotten));
}

}  // namespace

void add_oracle(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  auto& misbehaviour = flags->options.misbehaviour;
  auto* verb = app.add_subcommand("oracle", "serve an embedded oracle over loopback HTTP, in the OpenAI protocol; or forget kept replies");
  verb->add_option("name", flags->name, "keyword, trained or lab")->check(CLI::IsMember({"keyword", "trained", "lab"}));
  verb->add_option("--port", flags->options.port, "0: a free one")->check(CLI::Range(0, 65535))->capture_default_str();
  verb->add_option("--request-log", flags->options.request_log, "file that gets a line for each request");
  verb->add_option("--fault-rate", misbehaviour.rate, "share of requests that meet a fault, for tests")->check(CLI::Range(0.0, 1.0));
  verb->add_option("--fault-kinds", misbehaviour.kinds, join(fault_kinds(), ", "))->delimiter(',');
  verb->add_option("--wrong-verdict-rate", misbehaviour.wrong_verdict_rate, "share of verdicts that are turned around")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--fault-seed", misbehaviour.seed, "which requests meet one")->capture_default_str();

  auto forgotten = std::make_shared<ForgetFlags>();
  auto* forget_verb = verb->add_subcommand("forget", "forget kept replies that gave nothing: empty, unreadable, cut, refused, filtered");
  forget_verb->add_option("run", forgotten->run, std::string(kRunHelp) + "; or the .db file of an evaluation")->required();
  auto* all = forget_verb->add_flag("--all", forgotten->all, "every reply");
  forget_verb->add_option("--containing", forgotten->containing, "those whose question or answer holds this text, whatever they gave")
      ->excludes(all);
  forget_verb->callback([forgotten] { forget(*forgotten); });
  verb->callback([verb, flags] {
    if (verb->get_subcommands().empty()) serve(*flags);
  });
}

}  // namespace iteralign
