// iteralign constitution: what people decide about the principles of a run.

#include <algorithm>
#include <memory>

#include "cli/output.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "config/constitution_edits.h"
#include "core/log.h"
#include "iteralign/error.h"
#include "report/constitution_page.h"
#include "report/run_summary.h"

namespace iteralign {
namespace {

struct ConstitutionFlags {
  std::string run, action, what, text;
};

const Principle& principle_of(const Constitution& constitution, const std::string& id) {
  const auto found = std::ranges::find_if(constitution.principles, [&](const Principle& p) { return p.id == id; });
  if (found == constitution.principles.end())
    throw Error(ErrorKind::usage, "this run has no such principle", id, "ids stand in constitution.md");
  return *found;
}

void run_constitution(const ConstitutionFlags& flags) {
  const std::string folder = find_run(flags.run), path = join_path(folder, "constitution.edit.yaml");
  RunStore store(join_path(folder, "run.db"));
  const int last = last_iteration(store);
  const Constitution constitution = store.constitution(last);
  if (flags.action.empty()) return print(constitution_markdown(constitution, store.prompts(Purpose::red_team), effects(store, last)));
  ConstitutionEdits edits = read_constitution_edits(path);
  if (flags.what.empty())
    throw Error(ErrorKind::usage, flags.action == "pin" ? "needs a text" : "needs the id of a principle", "constitution " + flags.action);
  if (flags.action == "accept") {
    edits.accepted.insert(principle_of(constitution, flags.what).id);
  } else if (flags.action == "ban") {
    edits.banned.push_back(principle_of(constitution, flags.what).text);
  } else if (flags.action == "pin") {
    edits.pinned.push_back(flags.what);
  } else {
    if (flags.text.empty()) throw Error(ErrorKind::usage, "needs the new text", "constitution edit");
    edits.edited[principle_of(constitution, flags.what).id] = flags.text;
  }
  write_constitution_edits(path, edits);
  log_info("written: {}; it counts from the next revisions on", path);
}

}  // namespace

void add_constitution(CLI::App& app) {
  auto flags = std::make_shared<ConstitutionFlags>();
  auto* verb = app.add_subcommand("constitution", "the principles of a run: show them, or accept, edit, ban and pin");
  verb->add_option("run", flags->run, "run folder, or the name of a run in runs/")->required();
  verb->add_option("action", flags->action, "accept ID, ban ID, edit ID TEXT, pin TEXT; nothing shows them")
      ->check(CLI::IsMember({"accept", "ban", "edit", "pin"}));
  verb->add_option("what", flags->what, "the id of a principle, or for pin a text");
  verb->add_option("text", flags->text, "its new text");
  verb->callback([flags] { run_constitution(*flags); });
}

}  // namespace iteralign
