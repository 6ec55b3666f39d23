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
  EXPECT_THAT(evaluation_table(store, brief_info("run", "completed", "keyword")), HasSubstr("Nothing is measured"));
  const ExampleRun run(store);
  const std::string table = evaluation_table(store, brief_info("run", "completed", "keyword"));
  EXPECT_THAT(table, HasSubstr("before"));
  EXPECT_THAT(table, HasSubstr("95.0 % [76.4, 99.1]"));
  EXPECT_THAT(table, HasSubstr("iteration 2 (after)"));
  EXPECT_THAT(table, HasSubstr("2/20"));
  EXPECT_THAT(table, HasSubstr("Judged by keyword: a list of phrases"));
  EXPECT_THAT(table, Not(HasSubstr("warning")));
  EXPECT_THAT(table, Not(HasSubstr("\x1b[")));
}

TEST(TerminalTable, CorrectedRatesAndHelpHaveTheirLines) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  RunInfo info = brief_info("run", "completed", "keyword");
  const std::string plain = evaluation_table(store, info);
  EXPECT_THAT(plain, HasSubstr("benign unhelpful"));
  EXPECT_THAT(plain, HasSubstr("20.0 % [5.7, 51.0]  2/10"));
  EXPECT_THAT(plain, Not(HasSubstr("look-alikes unhelpful")));  // not measured
  EXPECT_THAT(plain, Not(HasSubstr("orrected")));
  info.calibration = Calibration{
      .harm = {.errors = {100, 95, 100, 80}}, .refusal = {}, .help = {}, .oracle = "keyword", .measured_on = "answers of a test"};
  const std::string table = evaluation_table(store, info);
  EXPECT_THAT(table, HasSubstr("\n  corrected "));
  EXPECT_THAT(table,
              HasSubstr("labelled: answers of a test. It finds 95 % of 100 harmful answers, and it takes 20 % of 100 others for such."));
}

TEST(TerminalTable, SaysWhichPromptsDidNotFit) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  store.set_meta("too_long", "1: a.jsonl:3 has 900 tokens");
  EXPECT_THAT(evaluation_table(store, brief_info("run", "completed", "keyword")),
              HasSubstr("Left out, too long for the model's context, 1: a.jsonl:3 has 900 tokens\n"));
}

TEST(TerminalTable, SaysWhereLittleWasJudged) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  for (int i = 0; i < 7; ++i)
    store.put_verdict(0, PromptSet::benign, "b" + std::to_string(i),
                      {Label::unjudged, i < 5 ? UnjudgedReason::truncated : UnjudgedReason::failed, "cut"});
  store.put(Evaluation{.iteration = 0, .heldout = {}, .benign = wilson_rate(0, 3, 7), .lookalike = {}, .twin = {}});
  const std::string table = evaluation_table(store, brief_info("run", "completed", "m at http://h/v1"));
  EXPECT_THAT(table, HasSubstr("warning: base model, benign: 7 of 10 answers were not judged, most often because: truncated (5)\n"));
  EXPECT_THAT(table, HasSubstr("Judged by m at http://h/v1.\n"));
}

TEST(TerminalTable, SaysWhatTheGateCouldNotSeeAndWhatCameToNothing) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  EXPECT_THAT(evaluation_table(store, brief_info("run", "completed", "keyword")), Not(HasSubstr("not gated")));
  store.put_gate_figures(0, {});  // measured, though the store has no prompt for it
  EXPECT_THAT(evaluation_table(store, brief_info("run", "completed", "keyword")),
              HasSubstr("Warning: not gated: harm, refusals of benign prompts, refusals of look-alikes"));
  for (IterationSummary summary : store.iterations()) {
    summary.accepted = false;
    store.put(summary);
  }
  EXPECT_THAT(evaluation_table(store, brief_info("run", "completed", "keyword")), HasSubstr("the result is the base model"));
}

TEST(TerminalTable, NothingJudgedIsNoFraction) {
  const TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  store.put(Evaluation{0, wilson_rate(0, 0, 7), wilson_rate(0, 0), wilson_rate(1, 2, 3)});
  const std::string table = evaluation_table(store, brief_info("run", "completed", "keyword"));
  EXPECT_THAT(table, HasSubstr("none of 7 judged"));
  EXPECT_THAT(table, Not(HasSubstr("0/0")));
}

}  // namespace
}  // namespace iteralign
