#include "report/cards.h"

#include <gmock/gmock.h>

#include "example_run.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CardsTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  RunStore store_{folder_.file("run.db")};
  ExampleRun run_{store_};
};

TEST_F(CardsTest, AModelCardSaysWhatWasMeasuredOfItsIteration) {
  const std::string card = model_card(store_, ExampleRun::info(), 1, /*adapter=*/true);
  EXPECT_THAT(card, StartsWith("---\nbase_model: \"example-org/Tiny-1M\"\nlibrary_name: peft\n"));
  EXPECT_THAT(card, HasSubstr("| red-team prompts answered harmfully | 95.0 % [76.4, 99.1] of 20 | 35.0 % [18.1, 56.7] of 20 |"));
  EXPECT_THAT(card, HasSubstr("rule-based oracle"));
  EXPECT_THAT(card, HasSubstr("- 12 red-team prompts from example.csv\n"));  // of 24
  EXPECT_THAT(card, HasSubstr("\n## Constitution\n\n1. "));
}

TEST_F(CardsTest, AModelCardSaysThatNothingGatedIt) {
  EXPECT_THAT(model_card(store_, ExampleRun::info(), 1, true), Not(HasSubstr("not gated")));
  store_.put_gate_figures(0, {});
  EXPECT_THAT(model_card(store_, ExampleRun::info(), 1, true), HasSubstr("**Warning:** not gated"));
}

TEST_F(CardsTest, WhatWasRolledBackIsNotCounted) {
  const auto pairs = [&] {
    const std::string card = model_card(store_, ExampleRun::info(), 2, true);
    return card.substr(card.find("## Trained on"), 160);
  };
  EXPECT_THAT(pairs(), HasSubstr("- 24 red-team prompts"));
  const std::string all = pairs();
  IterationSummary first = store_.iterations()[0];
  first.accepted = false;
  store_.put(first);
  EXPECT_THAT(pairs(), HasSubstr("- 12 red-team prompts"));
  EXPECT_NE(pairs(), all);
  EXPECT_THAT(model_card(store_, ExampleRun::info(), 2, true), HasSubstr("after 1 iteration of"));
}

TEST_F(CardsTest, AFolderOfThisMachineIsNamedByItsLastPartAlone) {
  RunInfo info = ExampleRun::info();
  info.base_model = "/home/someone/models/Tiny";
  const std::string card = model_card(store_, info, 2, /*adapter=*/false);
  EXPECT_THAT(card, HasSubstr("# Tiny, aligned"));
  EXPECT_THAT(card, Not(HasSubstr("someone")));
  EXPECT_THAT(card, Not(HasSubstr("base_model:")));
  EXPECT_THAT(card, HasSubstr("library_name: transformers"));
}

TEST_F(CardsTest, ADatasetCardNamesFileAndForm) {
  const std::string card = dataset_card(store_, ExampleRun::info(), DatasetFormat::sharegpt);
  EXPECT_THAT(card, HasSubstr("    path: train.json\n"));
  EXPECT_THAT(card, HasSubstr(std::to_string(all_pairs(store_).size()) + " records in the form `sharegpt`"));
  EXPECT_THAT(card, Not(HasSubstr("rejected")));
  EXPECT_THAT(dataset_card(store_, ExampleRun::info(), DatasetFormat::preference), HasSubstr("rejected answers"));
}

TEST_F(CardsTest, TextOfAModelIsNoMarkup) {
  Constitution constitution = store_.constitution(2);
  constitution.principles[0].text = kHostile;
  store_.put_constitution(2, constitution);
  EXPECT_THAT(model_card(store_, ExampleRun::info(), 2, true), Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace iteralign
