// iteralign report: the readable files of a run, made anew from its store.

#include <memory>

#include "actions/publish_run.h"
#include "cli/output.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "core/files.h"

namespace iteralign {

void add_report(CLI::App& app) {
  auto run = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("report", "write report.html and the other readable files of a run anew");
  verb->add_option("run", *run, kRunHelp)->required();
  verb->callback([run] {
    const std::string folder = find_run(*run);
    RunStore store(join_path(folder, "run.db"));
    publish_run(folder, store);
    print_line(join_path(folder, "report.html"));
  });
}

}  // namespace iteralign
