#include "report/terminal_table.h"

#include <gmock/gmock.h>

#include "example_run.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TerminalTable, ColumnsAreAsWideAsTheyLook) {
  const std::string table =
      format_table({"name", "n"}, {Align::left, Align::right}, {{"naïve", "1"}, {"日本", "20"}, {"e\u0301e\u0301", "3"}});
  EXPECT_EQ(table,
            "name    n\n"
            "─────  ──\n"
            "naïve   1\n"
            "日本   20\n"
            "e\u0301e\u0301      3\n");
}

TEST(TerminalTable, BeforeAndAfter) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  EXPECT_THAT(evaluation_table(store, "keyword"), HasSubstr("Nothing is measured"));
  const ExampleRun run(store);
  const std::string table = evaluation_table(store, "keyword");
  EXPECT_THAT(table, HasSubstr("before"));
  EXPECT_THAT(table, HasSubstr("95.0 % [76.4, 99.1]"));
  EXPECT_THAT(table, HasSubstr("iteration 2 (after)"));
  EXPECT_THAT(table, HasSubstr("2/20"));
  EXPECT_THAT(table, HasSubstr("Judged by keyword: a list of phrases"));
  EXPECT_THAT(table, Not(HasSubstr("warning")));
  EXPECT_THAT(table, Not(HasSubstr("\x1b[")));
}

TEST(TerminalTable, SaysWhichPromptsDidNotFit) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  store.set_meta("too_long", "1: a.jsonl:3 has 900 tokens");
  EXPECT_THAT(evaluation_table(store, "keyword"), HasSubstr("Left out, too long for the model's context, 1: a.jsonl:3 has 900 tokens\n"));
}

TEST(TerminalTable, SaysWhereLittleWasJudged) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  for (int i = 0; i < 7; ++i)
    store.put_verdict(0, PromptSet::benign, "b" + std::to_string(i),
                      {Label::unjudged, i < 5 ? UnjudgedReason::truncated : UnjudgedReason::failed, "cut"});
  store.put(Evaluation{.iteration = 0, .heldout = {}, .benign = wilson_rate(0, 3, 7), .lookalike = {}, .twin = {}});
  const std::string table = evaluation_table(store, "m at http://h/v1");
  EXPECT_THAT(table, HasSubstr("warning: base model, benign: 7 of 10 answers were not judged, most often because: truncated (5)\n"));
  EXPECT_THAT(table, HasSubstr("Judged by m at http://h/v1.\n"));
}

TEST(TerminalTable, SaysWhatTheGateCouldNotSeeAndWhatCameToNothing) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  EXPECT_THAT(evaluation_table(store, "keyword"), Not(HasSubstr("not gated")));
  store.put_gate_figures(0, {});  // measured, though the store has no prompt for it
  EXPECT_THAT(evaluation_table(store, "keyword"),
              HasSubstr("Warning: not gated: harm, refusals of benign prompts, refusals of look-alikes"));
  for (IterationSummary summary : store.iterations()) {
    summary.accepted = false;
    store.put(summary);
  }
  EXPECT_THAT(evaluation_table(store, "keyword"), HasSubstr("the result is the base model"));
}

TEST(TerminalTable, NothingJudgedIsNoFraction) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  store.put(Evaluation{0, wilson_rate(0, 0, 7), wilson_rate(0, 0), wilson_rate(1, 2, 3)});
  const std::string table = evaluation_table(store, "keyword");
  EXPECT_THAT(table, HasSubstr("none of 7 judged"));
  EXPECT_THAT(table, Not(HasSubstr("0/0")));
}

}  // namespace
}  // namespace iteralign
