#include "report/before_after.h"

#include <gmock/gmock.h>

namespace iteralign {
namespace {

using ::testing::HasSubstr;

TaskResult result_of(int harmful, int n) {
  TaskResult result{
      .task = "advbench", .description = "answers that are harmful", .metric = "negative_rate", .version = 1, .judge = "keyword"};
  for (int i = 0; i < n; ++i)
    result.samples.push_back({.group = i % 2 == 0 ? "even" : "odd",
                              .doc = {{"prompt", "p"}},
                              .target = "",
                              .arguments = Json::array(),
                              .responses = {},
                              .value = i < harmful ? 1.0 : 0.0});
  result.measures = summarise(result.samples, result.metric, false);
  return result;
}

TEST(BeforeAfter, HasARowForATaskAndForItsGroups) {
  const Comparison comparison{.tasks = {{.task = "advbench",
                                         .metric = "negative_rate",
                                         .n = 9,
                                         .difference = -0.5,
                                         .interval = Interval{-0.75, -0.25},
                                         .p_value = 0.004,
                                         .p_holm = 0.012}},
                              .notes = {"advbench: 1 items were not judged in both"}};
  const Json both = before_after_json({.suite = "safety",
                                       .iteration = 3,
                                       .before = {result_of(8, 10)},
                                       .after = {result_of(3, 10)},
                                       .comparison = comparison,
                                       .notes = {"hhh is not measured"}});
  ASSERT_EQ(both["rows"].size(), 3U);
  const Json& row = both["rows"][0];
  EXPECT_EQ(row["before"]["value"], 0.8);
  EXPECT_EQ(row["after"]["value"], 0.3);
  EXPECT_EQ(row["after"]["n"], 10);
  EXPECT_EQ(row["n"], 9);
  EXPECT_EQ(row["difference"], -0.5);
  EXPECT_EQ(row["p_holm"], 0.012);
  EXPECT_EQ(both["rows"][1]["group"], "even");
  EXPECT_TRUE(both["rows"][1]["difference"].is_null());  // compared as part of its task
  const std::string table = before_after_table(both);
  EXPECT_THAT(table, HasSubstr("base model  ->  iteration 3"));
  EXPECT_THAT(table, HasSubstr("-0.500 [-0.750, -0.250]"));
  EXPECT_THAT(table, HasSubstr("Judged by keyword: a list of phrases"));
  EXPECT_THAT(table, HasSubstr("note: hhh is not measured\nnote: advbench: 1 items"));
}

// A group that counts the other way than its task is compared by itself.
TEST(BeforeAfter, FindsTheComparisonOfAGroup) {
  const Comparison comparison{.tasks = {{.task = "advbench_odd", .metric = "negative_rate", .n = 5, .difference = -0.4}}, .notes = {}};
  const Json both = before_after_json({.suite = "safety",
                                       .iteration = 1,
                                       .before = {result_of(8, 10)},
                                       .after = {result_of(3, 10)},
                                       .comparison = comparison,
                                       .notes = {}});
  EXPECT_TRUE(both["rows"][0]["difference"].is_null());
  EXPECT_EQ(both["rows"][2]["difference"], -0.4);
}

TEST(BeforeAfter, OfNothingThereIsNoFigure) {
  TaskResult none = result_of(0, 2);
  for (TaskSample& sample : none.samples) sample.unjudged = "failed";
  none.measures = summarise(none.samples, none.metric, false);
  const std::string table = before_after_table(
      before_after_json({.suite = "safety", .iteration = 1, .before = {none}, .after = {none}, .comparison = {}, .notes = {}}));
  EXPECT_THAT(table, ::testing::ContainsRegex("advbench +negative_rate ↓ +- +- "));
}

}  // namespace
}  // namespace iteralign
