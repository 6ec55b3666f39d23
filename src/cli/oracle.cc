// iteralign oracle: serves an embedded oracle alone.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "cli/output.h"
#include "cli/verbs.h"
#include "core/interrupt.h"
#include "core/strings.h"
#include "offline/embedded_oracle.h"

namespace iteralign {

void add_oracle(CLI::App& app) {
  struct Flags {
    std::string name;
    LoopbackOptions options;
  };
  auto flags = std::make_shared<Flags>();
  auto& misbehaviour = flags->options.misbehaviour;
  auto* verb = app.add_subcommand("oracle", "serve an embedded oracle over loopback HTTP, in the OpenAI protocol");
  verb->add_option("name", flags->name, "lab or keyword")->required()->check(CLI::IsMember({"lab", "keyword"}));
  verb->add_option("--port", flags->options.port, "0: a free one")->check(CLI::Range(0, 65535))->capture_default_str();
  verb->add_option("--request-log", flags->options.request_log, "file that gets a line for each request");
  verb->add_option("--fault-rate", misbehaviour.rate, "share of requests that meet a fault, for tests")->check(CLI::Range(0.0, 1.0));
  verb->add_option("--fault-kinds", misbehaviour.kinds, join(fault_kinds(), ", "))->delimiter(',');
  verb->add_option("--wrong-verdict-rate", misbehaviour.wrong_verdict_rate, "share of verdicts that are turned around")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--fault-seed", misbehaviour.seed, "which requests meet one")->capture_default_str();
  verb->callback([flags] {
    const EmbeddedOracle oracle(flags->name, flags->options);
    print_line(oracle.base_url());
    while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  });
}

}  // namespace iteralign
