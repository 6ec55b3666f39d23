// iteralign constitution: what people decide about the principles of a run.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/output.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "config/constitution_edits.h"
#include "core/files.h"
#include "core/log.h"
#include "iteralign/error.h"
#include "report/constitution_page.h"
#include "report/run_summary.h"
#include "stages/review.h"

namespace iteralign {
namespace {

struct ConstitutionFlags {
  std::string run, action, what, text;
};

// The constitution of a run as it stands, and what was decided about it.
struct Open {
  RunStore store;
  Config config;
  int last;
  Constitution constitution;
  ConstitutionEdits edits;  // texts

  Open(const std::string& folder, const std::string& path)
      : store(join_path(folder, "run.db")),
        config(parse_config(store.meta("config").value_or(""), "run.db")),
        last(last_iteration(store)),
        constitution(store.constitution(last)),
        edits(with_texts(read_constitution_edits(path), constitution)) {}
};

// Its text. What was taken out is known by its number, too; a ban is of any text.
std::string text_of(Open& run, const ConstitutionFlags& flags) {
  for (const auto& list : {run.constitution.principles, run.store.removed_principles()})
    for (const Principle& principle : list)
      if (principle.id == flags.what) return principle.text;
  const bool is_known = contains_principle(run.edits.banned, flags.what) || contains_principle(run.edits.pinned, flags.what) ||
                        contains_principle(run.edits.accepted, flags.what);
  const bool is_text = flags.what.find(' ') != std::string::npos;
  if (is_known || (is_text && (flags.action == "ban" || flags.action == "undo"))) return flags.what;
  throw Error(ErrorKind::usage, "this run has no such principle", flags.what, "`iteralign constitution RUN` lists them");
}

bool decide(Open& run, const ConstitutionFlags& flags) {
  if (flags.action == "pin") return run.edits.pin(flags.what);
  const std::string text = text_of(run, flags);
  if (flags.action == "accept") return run.edits.accept(text);
  if (flags.action == "ban") return run.edits.ban(text);
  if (flags.action == "edit") return run.edits.edit(text, flags.text);
  if (!run.edits.undo(text))
    throw Error(ErrorKind::usage, "nothing is decided about it", flags.what, "`iteralign constitution RUN` lists what is");
  return true;
}

std::string lines_of(const std::string& head, const std::vector<std::string>& texts) {
  if (texts.empty()) return "";
  std::string lines = "\n## " + head + "\n\n";
  for (const std::string& text : texts) lines += "- " + markdown_text(text) + "\n";
  return lines;
}

// With the decisions, if they still count for it: nothing was revised under it.
Constitution with_decisions(Open& run) {
  if (!run.store.revisions(run.last).empty()) return run.constitution;
  return with_edits(run.constitution, run.edits, run.last, run.config.propose.merge_similarity,
                    free_principle_number(run.store, run.last + 1, run.edits));
}

// New principles about which nothing is decided, if the run waits for that.
std::vector<std::string> waiting(Open& run) {
  std::vector<std::string> lines;
  if (!run.config.propose.review || !run.store.revisions(run.last).empty()) return lines;
  for (const Principle& principle : undecided(with_decisions(run), run.edits, run.last))
    lines.push_back(principle.id + ": " + principle.text);
  return lines;
}

std::string page(Open& run) {
  std::vector<std::string> edits;
  for (const auto& [text, wording] : run.edits.edited) edits.push_back(text + " → " + wording);
  return constitution_markdown(with_decisions(run), run.store.prompts(PromptSet::red_team), effects(run.store, run.last)) +
         lines_of("Waiting for review", waiting(run)) + lines_of("Accepted", run.edits.accepted) + lines_of("Edited", edits) +
         lines_of("Banned", run.edits.banned) + lines_of("Pinned", run.edits.pinned);
}

void check_words(const ConstitutionFlags& flags) {
  const std::string verb = "constitution " + flags.action;
  if (flags.what.empty()) throw Error(ErrorKind::usage, flags.action == "pin" ? "needs a text" : "needs the id of a principle", verb);
  if (flags.action == "edit" && flags.text.empty()) throw Error(ErrorKind::usage, "needs the new text", verb);
  if (flags.action != "edit" && !flags.text.empty())
    throw Error(ErrorKind::usage, "takes one principle at a time, and a text in quotes", verb);
}

void run_constitution(const ConstitutionFlags& flags) {
  const std::string folder = find_run(flags.run), path = join_path(folder, "constitution.edit.yaml");
  Open run(folder, path);
  if (flags.action.empty()) return print(page(run));
  check_words(flags);
  if (!decide(run, flags)) return log_info("it is decided so already");
  write_constitution_edits(path, run.edits);
  log_info("written: {}; it counts from the next revisions on", path);
  if (const auto open = waiting(run); !open.empty()) log_info("{} more wait for review", open.size());
}

}  // namespace

void add_constitution(CLI::App& app) {
  auto flags = std::make_shared<ConstitutionFlags>();
  auto* verb = app.add_subcommand("constitution", "the principles of a run: show them, or accept, edit, ban and pin, and undo that");
  verb->add_option("run", flags->run, kRunHelp)->required();
  verb->add_option("action", flags->action,
                   "accept ID, ban ID, edit ID TEXT, pin TEXT, undo ID; nothing shows them and what waits for review")
      ->check(CLI::IsMember({"accept", "ban", "edit", "pin", "undo"}));
  verb->add_option("what", flags->what, "the id of a principle, or a text");
  verb->add_option("text", flags->text, "its new text");
  verb->callback([flags] { run_constitution(*flags); });
}

}  // namespace iteralign
