#include <gtest/gtest.h>

#include <cmath>

#include "fakes.h"
#include "shared_data.h"
#include "tasks/hhh.h"
#include "tasks/tasks.h"
#include "tasks/truthfulqa.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

// Its log-likelihoods are a function of the request and the continuation.
class ScoringModel : public Scorer {
 public:
  using Rule = std::function<double(const ScoreRequest&, const std::string&)>;
  explicit ScoringModel(Rule rule) : rule_(std::move(rule)) {}
  std::vector<std::vector<Score>> score(const std::vector<ScoreRequest>& requests, const OnScored&, const std::function<bool()>&) override {
    std::vector<std::vector<Score>> all;
    for (const ScoreRequest& request : requests) {
      all.emplace_back();
      for (const std::string& continuation : request.continuations) {
        const double value = rule_(request, continuation);
        all.back().push_back({value, {value}, false});
      }
    }
    return all;
  }

 private:
  Rule rule_;
};

ScoringModel constant() {
  return ScoringModel([](const ScoreRequest&, const std::string&) { return -1.0; });
}

class Questions : public testing::Test {
 protected:
  std::string write(const Json& records) {
    const std::string path = folder_.file("mc_task.json");
    write_file_atomic(path, dump_json(records));
    return path;
  }
  static Json record(const std::string& question, const Json& choices) {
    return {{"question", question}, {"mc1_targets", choices}, {"mc2_targets", choices}};
  }
  std::string error_of(const Json& records) {
    try {
      truthfulqa_mc1(write(records), Variant::lm_eval);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      return error.what();
    }
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(Questions, TheLikeliestChoiceCounts) {
  const std::string path =
      write({record("one?", {{"short", 1}, {"longer answer", 0}}), record("two?", {{"longer answer", 1}, {"short", 0}})});
  ScoringModel by_length([](const ScoreRequest& request, const std::string& choice) {
    EXPECT_TRUE(request.messages.empty());
    EXPECT_TRUE(request.context.ends_with("?\nA:"));
    EXPECT_EQ(choice[0], ' ');
    return -static_cast<double>(choice.size());
  });
  const TaskResult result = run_task("truthfulqa_mc1", by_length, {.data = path});
  EXPECT_EQ(result.measures[0].n, 2);
  EXPECT_EQ(result.measures[0].value, 0.5);
  EXPECT_EQ(result.samples[0].value, 1);
  EXPECT_EQ(result.samples[1].value, 0);
  EXPECT_EQ(run_task("truthfulqa_mc1", by_length, {.data = path, .limit = 1}).measures[0].value, 1);
}

TEST_F(Questions, Mc2IsTheShareOfTheTrueOnes) {
  const std::string path =
      write(Json::array({{{"question", "q?"}, {"mc1_targets", {{"a", 1}, {"b", 0}}}, {"mc2_targets", {{"a", 1}, {"bb", 1}, {"ccc", 0}}}}}));
  ScoringModel model([](const ScoreRequest&, const std::string& choice) { return -1000.0 - static_cast<double>(choice.size()); });
  const double a = 1, b = std::exp(-1), c = std::exp(-2);
  EXPECT_NEAR(*run_task("truthfulqa_mc2", model, {.data = path}).measures[0].value, (a + b) / (a + b + c), 1e-12);
}

TEST_F(Questions, TrueOrFalseIsAskedInTheChatTemplate) {
  const std::string path = write(Json::array({record("q?", {{"yes", 1}, {"no", 0}, {"maybe", 0}, {"never", 0}})}));
  ScoringModel believes_never([](const ScoreRequest& request, const std::string& answer) {
    EXPECT_EQ(request.messages.size(), 2u);
    EXPECT_EQ(request.context, "Sure! The given answer is");
    const bool never = request.messages[1].content.find("Answer: never (true or false)") != std::string::npos;
    return answer == " true" && never ? -0.1 : answer == " false" && !never ? -0.1 : -2.0;
  });
  EXPECT_EQ(run_task("truthfulqa_mc1_fixed", believes_never, {.data = path}).measures[0].value, 0);
  // The last half is never compared there: a guess between the other two.
  EXPECT_EQ(run_task("truthfulqa_mc1_paper", believes_never, {.data = path}).measures[0].value, 0.5);
  EXPECT_THROW(run_task("truthfulqa_mc2_paper", believes_never, {.data = path}), Error);
}

TEST_F(Questions, January2025HasABinaryChoiceAndAnEmptyOne) {
  const Json record = {{"question", "q?"},
                       {"mc0_targets", {{"yes", 1}, {"never", 0}}},
                       {"mc1_targets", {{"yes", 1}, {"no", 0}, {"", 0}}},
                       {"mc2_targets", {{"yes", 1}, {"no", 0}, {"", 0}}}};
  const std::string path = write(Json::array({record}));
  ScoringModel by_length([](const ScoreRequest&, const std::string& choice) { return -static_cast<double>(choice.size()); });
  const TaskResult binary = run_task("truthfulqa_mc0", by_length, {.data = path});
  EXPECT_EQ(binary.measures[0].value, 1);
  EXPECT_EQ(binary.edition, "TruthfulQA of January 2025");
  const TaskResult mc1 = run_task("truthfulqa_mc1", by_length, {.data = path});
  EXPECT_EQ(mc1.measures[0].value, 0);
  EXPECT_EQ(mc1.samples[0].arguments.size(), 2U);  // nothing is no answer
  EXPECT_THROW(run_task("truthfulqa_mc0", by_length, {.data = write(Json::array({this->record("q?", {{"a", 1}})}))}), Error);
  EXPECT_THROW(run_task("truthfulqa_mc0_paper", by_length, {.data = path}), Error);
}

TEST_F(Questions, January2025sTableHasTheSameChoices) {
  const std::string path = folder_.file("TruthfulQA.csv");
  write_file_atomic(path,
                    "Type,Category,Question,Best Answer,Best Incorrect Answer,Correct Answers,Incorrect Answers,Source\n"
                    "A,B,Why?,Because,\"Never, ever\",Because; So; ,\"Never, ever; No\",s\n");
  const ChoiceTask binary = truthfulqa_mc0(path, Variant::lm_eval);
  ASSERT_EQ(binary.items.size(), 1U);
  EXPECT_EQ(binary.items[0].choices, (std::vector<std::string>{"Because", "Never, ever"}));
  EXPECT_EQ(truthfulqa_mc1(path, Variant::lm_eval).items[0].choices, (std::vector<std::string>{"Because", "Never, ever", "No"}));
  const ChoiceItem several = truthfulqa_mc2(path, Variant::lm_eval).items[0];
  EXPECT_EQ(several.choices, (std::vector<std::string>{"Because", "So", "Never, ever", "No"}));
  EXPECT_EQ(several.right, (std::vector<bool>{true, true, false, false}));
  write_file_atomic(path, "Question,Best Answer,Correct Answers,Incorrect Answers\nWhy?,a,a,b\n");  // 2021
  EXPECT_THROW(truthfulqa_mc1(path, Variant::lm_eval), Error);
}

TEST_F(Questions, OfSeveralEditionsV1IsReadUnlessAFileIsNamed) {
  for (const char* edition : {"v0", "v1", "newest/files"}) {
    make_directories(folder_.file(edition));
    write_file_atomic(folder_.file(std::string(edition) + "/mc_task.json"), dump_json(Json::array({record(edition, {{"a", 1}})})));
  }
  ScoringModel model = constant();
  EXPECT_TRUE(run_task("truthfulqa_mc1", model, {.data = folder_.path()}).data.ends_with("v1/mc_task.json"));
  EXPECT_TRUE(run_task("truthfulqa_mc1", model, {.data = folder_.file("v0/mc_task.json")}).data.ends_with("v0/mc_task.json"));
}

TEST(PublishedFiles, January2025IsReadFromBothOfItsFiles) {
  const std::string data = shared_data("truthfulqa/mc_task.json"), table = shared_data("truthfulqa/TruthfulQA.csv");
  SKIP_WITHOUT(data);
  for (const auto read : {truthfulqa_mc0, truthfulqa_mc1, truthfulqa_mc2}) {
    const ChoiceTask file = read(data, Variant::lm_eval), csv = read(table, Variant::lm_eval);
    ASSERT_EQ(file.items.size(), 790U);
    ASSERT_EQ(csv.items.size(), 790U);
    for (std::size_t i = 0; i < file.items.size(); ++i) EXPECT_EQ(file.items[i].choices, csv.items[i].choices) << file.name << " " << i;
  }
}

TEST_F(Questions, MalformedOnesAreNamed) {
  EXPECT_NE(error_of(Json::object()).find("not a list"), std::string::npos);
  EXPECT_NE(error_of({record("q", {{"a", 1}}), record("q", {{"a", 1}})}).find("record 2"), std::string::npos);
  EXPECT_NE(error_of(Json::array({record("q", {{"a", 0}})})).find("no true choice"), std::string::npos);
  EXPECT_NE(error_of(Json::array({record("q", {{"a", 1}, {"b", 1}})})).find("several true choices"), std::string::npos);
  EXPECT_NE(error_of(Json::array({record("q", {{"", 1}})})).find("empty choice"), std::string::npos);
  EXPECT_NE(error_of(Json::array({record("q", {{"a", "1"}})})).find("neither 0 nor 1"), std::string::npos);
  EXPECT_NE(error_of(Json::array({{{"question", "q"}}})).find("mc1_targets"), std::string::npos);
  EXPECT_NE(error_of({record("q", {{"a", 1}}), {{"question", "r"}}}).find("record 2: has no object"), std::string::npos);
  EXPECT_NE(error_of(Json::array({record("", {{"a", 1}})})).find("empty question"), std::string::npos);
}

TEST_F(Questions, MalformedDialoguesAreNamed) {
  const auto error_of_dialogue = [&](const Json& example) {
    for (const std::string subset : {"harmless", "helpful", "honest", "other"}) {
      const Json good = {{"input", subset}, {"target_scores", {{"a", 1}, {"b", 0}}}};
      make_directories(folder_.file("hhh/" + subset));
      write_file_atomic(folder_.file("hhh/" + subset + "/task.json"),
                        dump_json({{"examples", Json::array({subset == "honest" ? example : good})}}));
    }
    try {
      hhh(folder_.file("hhh"), Variant::lm_eval);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(error_of_dialogue(Json::parse(R"({"input": "x", "target_scores": {"a": 1, "b": 0}})")), "");
  for (const auto& [example, says] : {std::pair(R"({"input": "x", "target_scores": {"a": 0, "b": 0}})", "no right answer"),
                                      std::pair(R"({"input": "x", "target_scores": {"a": 1}})", "1 answers, not 2"),
                                      std::pair(R"({"input": "x", "target_scores": {"": 1, "b": 0}})", "an empty answer"),
                                      std::pair(R"({"target_scores": {"a": 1, "b": 0}})", "no text `input`")}) {
    const std::string message = error_of_dialogue(Json::parse(example));
    EXPECT_NE(message.find(says), std::string::npos) << message;
    EXPECT_NE(message.find("honest/task.json, example 1"), std::string::npos) << message;
  }
}

TEST_F(Questions, ATaskThatIsNotThereIsAnErrorOfUsage) {
  ScoringModel model = constant();
  EXPECT_THROW(run_task("mmlu", model, {.data = folder_.path()}), Error);
  EXPECT_THROW(run_task("hhh", model, {.data = folder_.path()}), Error);
}

// By chance: one choice of the first half, one of all, one of two.
TEST(PublishedFiles, AConstantModelGuesses) {
  const std::string data = shared_data("truthfulqa/v1/mc_task.json"), dialogues = shared_data("hhh_alignment/derived");
  SKIP_WITHOUT(data);
  ScoringModel model = constant();
  const Json records = read_json(data);
  double paper = 0, fixed = 0;
  for (const Json& record : records) {
    const auto choices = static_cast<double>(record["mc1_targets"].size());
    paper += 1 / std::ceil(choices / 2) / static_cast<double>(records.size());
    fixed += 1 / choices / static_cast<double>(records.size());
  }
  EXPECT_NEAR(*run_task("truthfulqa_mc1_paper", model, {.data = data}).measures[0].value, paper, 1e-9);
  EXPECT_NEAR(*run_task("truthfulqa_mc1_fixed", model, {.data = data}).measures[0].value, fixed, 1e-9);
  const TaskResult hhh = run_task("hhh_paper", model, {.data = dialogues});
  ASSERT_EQ(hhh.measures.size(), 5u);
  EXPECT_EQ(hhh.measures[0].n, 221);
  for (const Measure& measure : hhh.measures) EXPECT_EQ(measure.value, 0.5) << measure.group;
  EXPECT_EQ(hhh.measures[1].group, "harmless");
  EXPECT_EQ(hhh.measures[1].n, 58);
}

TEST(Perplexity, IsOfParagraphsOrAnswers) {
  TemporaryFolder folder;
  write_file_atomic(folder.file("text.txt"), "one\ntwo\n\n\nthree\n");
  write_file_atomic(folder.file("sft.jsonl"), R"({"prompt": "Hi", "completion": "Hello there"})"
                                              "\n");
  ScoringModel model([](const ScoreRequest& request, const std::string& text) {
    if (!request.messages.empty()) {
      EXPECT_EQ(text, "Hello there");
    }
    return text == "one\ntwo" ? -std::log(2.0) : -std::log(8.0);
  });
  const TaskResult result = run_task("perplexity", model, {.data = folder.file("text.txt")});
  EXPECT_EQ(result.measures[0].n, 2);
  EXPECT_NEAR(*result.measures[0].value, 4, 1e-9);
  EXPECT_FALSE(result.measures[0].higher_is_better);
  EXPECT_NEAR(*run_task("perplexity", model, {.data = folder.file("sft.jsonl")}).measures[0].value, 8, 1e-9);
  write_file_atomic(folder.file("empty.txt"), "\n\n");
  EXPECT_THROW(run_task("perplexity", model, {.data = folder.file("empty.txt")}), Error);
}

}  // namespace
}  // namespace iteralign
