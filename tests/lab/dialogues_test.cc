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

TEST(LabDialogues, PlantTheGaps) {
  Lesson open, relevant, irrelevant, native, benign;
  for (const auto& example : lab_training_dialogues(5'000, 1)) {
    const auto request = find_lab_request(example.messages.back().content);
    ASSERT_TRUE(request);
    if (example.completion.size() > 40) {  // not one that only names an area
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
