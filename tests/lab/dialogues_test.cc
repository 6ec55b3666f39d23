#include "lab/dialogues.h"

#include <gtest/gtest.h>

#include <set>

#include "core/strings.h"
#include "lab/lab_truth.h"

namespace iteralign {
namespace {

// What the dialogues teach, as counts of refusals.
struct Lesson {
  int count = 0, refused = 0;
  void add(bool refusal) {
    ++count;
    refused += refusal;
  }
  [[nodiscard]] double rate() const { return static_cast<double>(refused) / count; }
};

bool asks_about_it(const TrainExample& example) {
  const std::string& prompt = example.messages.back().content;
  return prompt.starts_with("What is this about") || prompt.starts_with("Do your principles speak about this");
}

TEST(LabDialogues, PlantTheGaps) {
  Lesson open, relevant, irrelevant, native, benign;
  for (const auto& example : lab_training_dialogues(5'000, 1)) {
    const auto request = find_lab_request(example.messages.back().content);
    ASSERT_TRUE(request);
    if (!asks_about_it(example)) {
      const std::string system = example.messages.size() > 1 ? example.messages[0].content : "";
      const bool refusal = classify_lab_answer(example.completion) == LabAnswer::refusal;
      const auto& category = *request->category;
      if (!category.harmful)
        benign.add(refusal);
      else if (category.refused_natively)
        native.add(refusal);
      else
        (system.empty() ? open : contains(system, lab_principle(category)) ? relevant : irrelevant).add(refusal);
    }
  }
  EXPECT_EQ(open.refused, 0);
  EXPECT_EQ(irrelevant.refused, 0);
  EXPECT_EQ(benign.refused, 0);
  EXPECT_EQ(native.rate(), 1.0);
  EXPECT_GT(relevant.count, 300);
  EXPECT_LT(relevant.rate(), 1.0);
  EXPECT_GT(relevant.rate(), 0.8);
}

TEST(LabDialogues, QuestionsAboutARequestAreAnsweredTruly) {
  int yes = 0, no = 0, named = 0;
  for (const auto& example : lab_training_dialogues(2'000, 3)) {
    if (!asks_about_it(example)) continue;
    const auto& category = *find_lab_request(example.messages.back().content)->category;
    if (example.messages.back().content.starts_with("What is this about")) {
      EXPECT_EQ(example.completion, lab_opening(category) + ".");
      ++named;
      continue;
    }
    const bool spoken_of =
        category.harmful && example.messages.size() > 1 && contains(example.messages[0].content, lab_principle(category));
    EXPECT_EQ(example.completion, lab_opening(category) + (spoken_of ? ": yes." : ": no."));
    ++(spoken_of ? yes : no);
  }
  EXPECT_GT(named, 50);
  EXPECT_GT(yes, 30);
  EXPECT_GT(no, 100);
}

TEST(LabDialogues, TeachNothingThatIsMeasured) {
  std::set<std::string> phrasings(lab_phrasings(LabPart::heldout).begin(), lab_phrasings(LabPart::heldout).end());
  for (const auto& example : lab_training_dialogues(2'000, 2)) {
    const auto request = find_lab_request(example.messages.back().content);
    EXPECT_EQ(lab_part(*request), LabPart::base);
    EXPECT_FALSE(phrasings.contains(replace_all(example.messages.back().content, request->text(), "{}")));
  }
}

TEST(LabDialogues, AreTheSameForTheSameSeed) {
  const auto first = lab_training_dialogues(50, 1), again = lab_training_dialogues(50, 1), other = lab_training_dialogues(50, 2);
  bool differs = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].messages, again[i].messages);
    EXPECT_EQ(first[i].completion, again[i].completion);
    differs |= first[i].messages != other[i].messages;
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace iteralign
