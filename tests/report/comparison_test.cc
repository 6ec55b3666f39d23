// Which parts of two evaluations are compared; the figures themselves are checked against scipy and statsmodels in tests/peers.
#include "report/comparison.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/files.h"
#include "core/strings.h"
#include "example_run.h"
#include "iteralign/error.h"
#include "report/lm_eval_reader.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RunComparison, LeavesOutWhatWasNotMeasured) {
  TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  EXPECT_TRUE(store.prompts(PromptSet::twin).empty());
  const auto all = compare(run_evaluation(store, 0, "before", "keyword"), run_evaluation(store, 2, "after", "keyword"));
  ASSERT_EQ(all.tasks.size(), 3U);  // red team, benign, look-alikes: Holm corrects for three
  for (const TaskComparison& comparison : all.tasks) EXPECT_GT(comparison.n, 0) << comparison.task;
}

TEST(RunComparison, SaysOfWhichRunTheGateWasNone) {
  TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  store.put_gate_figures(0, {});  // measured, though the store has no prompt for it
  const auto all = compare(run_evaluation(store, 0, "before", "keyword"), run_evaluation(store, 2, "after", "keyword"));
  EXPECT_THAT(all.notes, ElementsAre(HasSubstr("after: not gated: harm")));  // nobody gated the base model
}

// Evaluations in the files of lm-evaluation-harness, line by line.
class Evaluations : public ::testing::Test {
 protected:
  static Json results(const std::string& model, const std::string& metric) {
    return {{"results", {{"t", {{"alias", "t"}, {metric + ",none", 0.5}, {metric + "_stderr,none", "N/A"}}}}},
            {"configs", {{"t", {{"task", "t"}}}}},
            {"versions", {{"t", 1.0}}},
            {"higher_is_better", {{"t", {{metric, true}}}}},
            {"config", {{"model_args", "pretrained=" + model}}},
            {"model_name", model}};
  }
  static Json sample(int doc, const std::string& metric, const Json& value) {
    return {{"doc_id", doc},          {"doc", {{"question", "q" + std::to_string(doc)}}},
            {"resps", Json::array()}, {"filter", "none"},
            {"metrics", {metric}},    {"doc_hash", "h" + std::to_string(doc)},
            {metric, value}};
  }
  // Values of one metric, question by question.
  static std::string lines(const std::vector<Json>& values, const std::string& metric = "acc") {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) text += dump_json(sample(static_cast<int>(i), metric, values[i])) + "\n";
    return text;
  }
  EvaluatedSet read(const std::string& name, const std::string& samples, const Json& results,
                    const std::string& time = "2026-01-02T03-04-05") {
    const std::string folder = join_path(folder_.file(name), "m");
    make_directories(folder);
    write_file_atomic(join_path(folder, "results_" + time + ".json"), dump_json(results));
    write_file_atomic(join_path(folder, "samples_t_" + time + ".jsonl"), samples);
    return read_evaluation(folder_.file(name));
  }
  EvaluatedSet read(const std::string& name, const std::vector<Json>& values) { return read(name, lines(values), results(name, "acc")); }

  TemporaryFolder folder_;
};

TEST_F(Evaluations, EqualItemsAreNoCertainty) {
  const auto few = compare(read("a", {0, 0, 0, 0, 0}), read("b", {0, 0, 0, 0, 0}));
  ASSERT_EQ(few.tasks.size(), 1U);
  EXPECT_EQ(few.tasks[0].n, 5);
  EXPECT_EQ(few.tasks[0].p_value, 1);
  EXPECT_LT(few.tasks[0].interval->low, -0.5);
  EXPECT_GT(few.tasks[0].interval->high, 0.5);
  EXPECT_FALSE(few.tasks[0].smallest_effect);
  const Json json = comparison_json({"a", {}}, {"b", {}}, few);
  EXPECT_TRUE(json["tasks"][0]["smallest_effect"].is_null());
  EXPECT_THAT(comparison_table({"a", {}}, {"b", {}}, few, 5), HasSubstr("  -\n"));
}

TEST_F(Evaluations, FewOrEqualValuesHaveNoInterval) {
  const auto few = compare(read("a", {0.25, 0.5, 0.75}), read("b", {0.5, 0.75, 1}));
  EXPECT_NEAR(few.tasks[0].difference, 0.25, 1e-12);
  EXPECT_FALSE(few.tasks[0].interval);
  EXPECT_FALSE(few.tasks[0].smallest_effect);
  EXPECT_EQ(few.tasks[0].p_value, 0.25);  // 2 of 2^3
  const std::vector<Json> half(40, 0.5);
  const auto equal = compare(read("c", half), read("d", half));
  EXPECT_FALSE(equal.tasks[0].interval);
  EXPECT_FALSE(equal.tasks[0].smallest_effect);
  EXPECT_TRUE(comparison_json({}, {}, equal)["tasks"][0]["ci95"].is_null());
}

TEST_F(Evaluations, EveryFilterIsATaskOfItsOwn) {
  const auto filtered = [](int strict, int flexible) {
    std::string text;
    for (int i = 0; i < 6; ++i)
      for (const auto& [filter, value] : {std::pair("strict-match", strict), {"flexible-extract", flexible}}) {
        Json line = sample(i, "acc", value);
        line["filter"] = filter;
        text += dump_json(line) + "\n";
      }
    return text;
  };
  const auto all = compare(read("a", filtered(1, 0), results("a", "acc")), read("b", filtered(0, 1), results("b", "acc")));
  ASSERT_EQ(all.tasks.size(), 2U);
  EXPECT_EQ(all.tasks[0].task, "t, strict-match");
  EXPECT_EQ(all.tasks[0].difference, -1);
  EXPECT_EQ(all.tasks[1].task, "t, flexible-extract");
  EXPECT_EQ(all.tasks[1].difference, 1);
}

TEST_F(Evaluations, EveryMetricIsCompared) {
  Json line = sample(0, "acc", 1);
  line["metrics"] = {"acc", "acc_norm", "f1"};
  line["acc_norm"] = 0, line["f1"] = {1, 0};  // gold and predicted: the metric is of all items together
  const auto set = read("a", dump_json(line), results("a", "acc"));
  ASSERT_EQ(set.tasks.size(), 3U);
  EXPECT_EQ(set.tasks[1].metric, "acc_norm");
  EXPECT_EQ(set.tasks[1].higher_is_better, std::nullopt);
  const auto all = compare(set, set);
  EXPECT_EQ(all.tasks.size(), 2U);
  EXPECT_THAT(all.notes, ElementsAre(HasSubstr("t (f1) is left out")));
}

// Of XSTest's safe prompts few should be refused, of its unsafe ones many: together they say nothing.
TEST_F(Evaluations, GroupsThatAreGoodInOtherWaysAreApart) {
  Json header = results("a", "acc");
  header["higher_is_better"] = {
      {"t", {{"acc", false}}}, {"t_safe", {{"acc", false}}}, {"t_unsafe", {{"acc", true}}}, {"t_other", {{"f1", true}}}};
  std::string text;
  for (int i = 0; i < 4; ++i) {
    Json line = sample(i, "acc", 1);
    line["group"] = i % 2 == 0 ? "safe" : "unsafe";
    text += dump_json(line) + "\n";
  }
  const auto set = read("a", text, header);
  ASSERT_EQ(set.tasks.size(), 2U);
  EXPECT_EQ(set.tasks[0].task, "t_safe");
  EXPECT_EQ(set.tasks[0].higher_is_better, false);
  EXPECT_EQ(set.tasks[1].higher_is_better, true);
  header["higher_is_better"]["t_unsafe"]["acc"] = false;
  EXPECT_EQ(read("b", text, header).tasks.size(), 1U);
}

TEST_F(Evaluations, TruthAndFalsehoodAreNumbers) {
  const auto all = compare(read("a", {false, true, false, true}), read("b", {true, true, true, true}));
  EXPECT_EQ(all.tasks[0].n, 4);
  EXPECT_EQ(all.tasks[0].before, 0.5);
  EXPECT_EQ(all.tasks[0].after, 1);
}

TEST_F(Evaluations, WhatIsNoNumberIsUnjudged) {
  const auto a = read("a", lines({1, 0, 1}) + "\n  \n\n", results("a", "acc"));
  const std::string nan = replace_all(lines({1, "?", 1}), "\"?\"", "NaN");
  const auto all = compare(a, read("b", nan, results("b", "acc")));
  EXPECT_EQ(all.tasks[0].n, 2);
  EXPECT_THAT(all.notes, ElementsAre(HasSubstr("1 items were not judged in both")));
  EXPECT_TRUE(compare(a, read("c", {nullptr, nullptr, nullptr})).tasks.empty());
  const auto text = read("d", replace_all(lines({1}), "q0", "is NaN \\\"NaN\\\" -Infinity?"), results("d", "acc"));
  EXPECT_EQ(text.tasks[0].items.begin()->second.text, "is NaN \"NaN\" -Infinity?");
}

TEST_F(Evaluations, AFaultIsNamedByItsLine) {
  try {
    read("a", lines({1, 0}) + "\n{\"doc\": \n", results("a", "acc"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_THAT(error.where(), ::testing::EndsWith("samples_t_2026-01-02T03-04-05.jsonl:4"));
  }
}

TEST_F(Evaluations, ADocumentThatIsThereTwiceIsTwoItems) {
  const std::string twice = lines({1, 0}) + dump_json(sample(0, "acc", 1)) + "\n";
  const auto all = compare(read("a", twice, results("a", "acc")), read("b", twice, results("b", "acc")));
  EXPECT_EQ(all.tasks[0].n, 3);
}

TEST_F(Evaluations, NothingIsPairedAcrossVersionsOrQuestions) {
  const auto a = read("a", {1, 0, 1});
  Json newer = results("b", "acc");
  newer["versions"]["t"] = 2.0;
  const auto versions = compare(a, read("b", lines({1, 0, 1}), newer));
  EXPECT_THAT(versions.tasks, IsEmpty());
  EXPECT_THAT(versions.notes, ElementsAre(HasSubstr("version 1.0 of the task against version 2.0")));
  const auto others = compare(a, read("c", replace_all(lines({1, 0}), "\"q", "\"other q"), results("c", "acc")));
  EXPECT_THAT(others.tasks, IsEmpty());
  EXPECT_THAT(others.notes, ElementsAre(HasSubstr("no item of 3 is among the other's 2")));
  const auto part = compare(a, read("d", {1, 0, 1, 0, 0}));
  EXPECT_EQ(part.tasks[0].n, 3);
  EXPECT_THAT(part.notes, ElementsAre(HasSubstr("0 items of the first and 2 of the second have no partner")));
}

TEST_F(Evaluations, APromptIsTheSameWhereverItWasRead) {
  const auto judged = [](const std::string& file, const std::vector<int>& order, int value) {
    std::string text;
    for (const int i : order) {
      Json line = sample(i, "acc", value);
      const std::string prompt = "prompt " + std::to_string(i);
      line["doc"] = {{"prompt", prompt}, {"category", file}, {"source", file + ":" + std::to_string(&i - order.data())}};
      line["arguments"] = {{{"role", "user"}, {"content", prompt}}};
      line["doc_hash"] = file + std::to_string(i);
      text += dump_json(line) + "\n";
    }
    return text;
  };
  const auto all = compare(read("a", judged("a.jsonl", {0, 1, 2, 3, 4, 5, 6, 7}, 0), results("a", "acc")),
                           read("b", judged("b.jsonl", {7, 6, 5, 4, 3, 2, 1, 0}, 1), results("b", "acc")));
  EXPECT_EQ(all.tasks[0].n, 8);
  EXPECT_EQ(all.tasks[0].before, 0);
  EXPECT_EQ(all.tasks[0].after, 1);
  EXPECT_GT(all.tasks[0].interval->low, 0);
}

TEST_F(Evaluations, PerplexitiesAreThoseOfAllTokens) {
  const auto documents = [](double factor, int tokens) {
    std::string text;
    for (int i = 0; i < 8; ++i) {
      Json line = sample(i, "perplexity", 0);
      const double loss = factor * (10 + i);
      line["perplexity"] = std::exp(loss / (tokens + i));
      line["resps"] = {{"loglikelihood", -loss}, {"tokens", tokens + i}};
      text += dump_json(line) + "\n";
    }
    return text;
  };
  Json header = results("a", "perplexity");
  header["higher_is_better"]["t"]["perplexity"] = false;
  const auto a = read("a", documents(1, 5), header);
  const auto all = compare(a, read("b", documents(1.1, 5), header));
  EXPECT_NEAR(all.tasks[0].before, std::exp(108.0 / 68), 1e-12);
  EXPECT_NEAR(all.tasks[0].after, std::exp(1.1 * 108 / 68), 1e-12);
  EXPECT_EQ(all.tasks[0].higher_is_better, false);
  EXPECT_LT(all.tasks[0].interval->low, all.tasks[0].difference);
  EXPECT_GT(all.tasks[0].interval->high, all.tasks[0].difference);
  EXPECT_THAT(compare(a, read("c", documents(1, 6), header)).notes, ElementsAre(HasSubstr("other numbers of tokens")));
  // lm-evaluation-harness keeps the two numbers of which it makes them.
  const auto words = [&](double loglikelihood) { return lines({{loglikelihood, 4}, {2 * loglikelihood, 6}}, "word_perplexity"); };
  const auto theirs = compare(read("d", words(-8), results("d", "word_perplexity")), read("e", words(-9), results("e", "word_perplexity")));
  EXPECT_NEAR(theirs.tasks[0].before, std::exp(24 / 10.0), 1e-12);
}

TEST_F(Evaluations, AModelWithAnAdapterHasAnotherName) {
  Json adapted = results("org/m", "acc");
  adapted["config"]["model_args"] = "pretrained=org/m,peft=runs/a/adapter,dtype=float32";
  EXPECT_EQ(read("a", lines({1}), adapted).name, "org/m + runs/a/adapter");
  EXPECT_EQ(read("b", lines({1}), results("org/m", "acc")).name, "org/m");
  adapted["config"]["model_args"] = {{"pretrained", "org/m"}, {"peft", "x"}};
  EXPECT_EQ(read("c", lines({1}), adapted).name, "org/m + x");
}

TEST_F(Evaluations, OfSeveralTheNewestIsReadAndModelsAreNotMixed) {
  read("a", lines({0, 0}), results("m", "acc"), "2026-01-02T03-04-05");
  const auto newest = read("a", lines({1, 1}), results("m", "acc"), "2026-03-01T00-00-00");
  EXPECT_EQ(newest.tasks[0].items.begin()->second.value, 1);
  EXPECT_EQ(read_evaluation(folder_.file("a/m/results_2026-01-02T03-04-05.json")).tasks[0].items.begin()->second.value, 0);
  make_directories(folder_.file("a/n"));
  write_file_atomic(folder_.file("a/n/results_2026-01-02T03-04-05.json"), "{}");
  EXPECT_THROW(read_evaluation(folder_.file("a")), Error);
}

TEST_F(Evaluations, OlderFilesNameNeitherFilterNorMetrics) {
  Json line = sample(0, "acc", 1);
  line.erase("metrics"), line.erase("filter");
  const auto set = read("a", dump_json(line), results("a", "acc"));
  ASSERT_EQ(set.tasks.size(), 1U);
  EXPECT_EQ(set.tasks[0].metric, "acc");
}

TEST_F(Evaluations, AnotherJudgeIsNamed) {
  Json first = results("a", "acc"), second = first;
  first["configs"]["t"]["metadata"] = {{"judge", "keyword"}};
  second["configs"]["t"]["metadata"] = {{"judge", "m at http://h/v1"}};
  const auto a = read("a", lines({1, 0}), first), b = read("b", lines({1, 0}), second);
  EXPECT_THAT(compare(a, b).notes, ElementsAre(HasSubstr("two judges")));
  EXPECT_THAT(comparison_table(a, a, compare(a, a), 0), HasSubstr("a list of phrases"));
  EXPECT_THAT(compare(a, a).notes, IsEmpty());
}

}  // namespace
}  // namespace iteralign
