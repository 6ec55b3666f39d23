// What running models say, by a fake: its log-likelihoods are a function of its weights.

#include <cmath>
#include <cstdlib>

#include "doctor/model_checks.h"
#include "fakes.h"
#include "sick_model.h"

namespace iteralign {
namespace {

class WeightedModel : public FakeModel {
 public:
  WeightedModel(std::string folder, bool merges_well)
      : FakeModel([](const Messages&, int) { return "Hello."; }), folder_(std::move(folder)), merges_well_(merges_well) {}

  std::vector<std::vector<Score>> score(const std::vector<ScoreRequest>& requests, const OnScored&, const std::function<bool()>&) override {
    const double value = -std::abs(Weights(folder_).values["model.norm.weight"][0]);
    Score score;
    score.token_loglikelihoods = {value, value};
    return {requests.size(), std::vector<Score>{score}};
  }
  void save(const std::string& dir, SaveFormat) override {
    std::filesystem::copy(folder_, dir);
    if (merges_well_) return;
    Weights weights(dir);
    weights.values["model.norm.weight"][0] += 1;
    write_weights(dir, weights.sources());
  }

 private:
  std::string folder_;
  bool merges_well_;
};

class RunModels : public SickModel {
 protected:
  void SetUp() override {
    SickModel::SetUp();
    make_directories(folder_.file("tmp"));
    ::setenv("TMPDIR", folder_.file("tmp").c_str(), 1);
  }
  void TearDown() override {
    EXPECT_TRUE(std::filesystem::is_empty(folder_.file("tmp"))) << "a temporary folder is left";
    ::unsetenv("TMPDIR");
  }
  void run(const std::string& adapter, const std::string& gguf, bool merges_well = true) {
    Patient patient;
    patient.model.path = model();
    patient.model.adapter = adapter;
    patient.gguf = gguf;
    diagnosis_ = examine(patient, [&](const ModelOptions& options) {
      opened_.push_back(options);
      return std::make_unique<WeightedModel>(options.path, merges_well);
    });
  }

  std::vector<ModelOptions> opened_;
};

TEST_F(RunModels, TheSameEverywhere) {
  run(write_adapter(Json::object()), export_to_gguf(model()));
  expect_no_fault();
  for (const char* check : {"generation", "merged_model", "gguf_model", "gguf_weights"}) expect(FindingStatus::ok, check, "");
  ASSERT_EQ(opened_.size(), 3U);
  EXPECT_EQ(opened_[0].dtype, "float32");
  EXPECT_EQ(opened_[0].save_dtype, "float32");
  EXPECT_EQ(opened_[1].adapter, "");  // the merged folder
}

TEST_F(RunModels, MergeThatSaysSomethingElse) {
  run(write_adapter(Json::object()), "", /*merges_well=*/false);
  expect_fault("merged_model", "does not say the same");
}

TEST_F(RunModels, GgufThatSaysSomethingElse) {
  const std::string other = copy("other");
  edit_weights(other, [](Weights& weights) { weights.values["model.norm.weight"][0] += 2; });
  run("", export_to_gguf(other));
  expect_fault("gguf_model", "does not say the same");
}

TEST_F(RunModels, ModelThatDoesNotOpen) {
  Patient patient;
  patient.model.path = model();
  patient.model.adapter = write_adapter(Json::object());
  patient.gguf = export_to_gguf(model());
  diagnosis_ = examine(patient, [](const ModelOptions&) -> std::unique_ptr<BaseModel> {
    throw Error(ErrorKind::data, "does not fit", "adapter", "take another");
  });
  expect_fault("generation", "does not fit");
  expect(FindingStatus::warning, "gguf_weights", "not compared");
  expect(FindingStatus::ok, "weights", "");
}

TEST_F(RunModels, AnInterruptGoesOnUp) {
  Patient patient;
  patient.model.path = model();
  const auto open = [&](const ModelOptions& options) { return std::make_unique<WeightedModel>(options.path, true); };
  EXPECT_THROW(examine(patient, open, [] { return true; }), Error);
}

Generation answer(const std::string& text, FinishReason finish_reason) {
  Generation generation;
  generation.text = text;
  generation.finish_reason = finish_reason;
  return generation;
}

TEST(Voices, AnswersThatDoNotEndAreAWarning) {
  Findings findings;
  check_generation({{answer("a", FinishReason::length), answer("b", FinishReason::length)}, {}}, findings);
  check_generation({{answer("a", FinishReason::stop), answer("b", FinishReason::length)}, {}}, findings);
  check_generation({{answer("", FinishReason::stop)}, {}}, findings);
  EXPECT_EQ(findings.all()[0].status, FindingStatus::warning);
  EXPECT_EQ(findings.all()[1].status, FindingStatus::ok);
  EXPECT_EQ(findings.all()[2].status, FindingStatus::warning);
}

TEST(Voices, OtherTokensAndNanAreFaults) {
  Findings findings;
  const std::vector<std::vector<double>> others[] = {{{-1, -2.1}}, {{-1, -2.3}}, {{-1}}, {{-1, std::nan("")}}};
  for (const auto& other : others) compare_voices("x", {{}, {{-1, -2}}}, {{}, other}, "it", 0.1, "mend", findings);
  EXPECT_EQ(findings.all()[0].status, FindingStatus::ok);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(findings.all()[i].status, FindingStatus::fault) << i;
}

}  // namespace
}  // namespace iteralign
