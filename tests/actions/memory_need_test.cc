#include "actions/memory_need.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iteralign/error.h"

namespace iteralign {
namespace {

MemoryNeed need(std::int64_t base_model, std::int64_t beside, std::optional<std::int64_t> available) {
  return {.base_model = base_model, .beside = beside, .available = available};
}

TEST(Memory, ModelsTakeTurnsWhereTheyDoNotFitTogether) {
  EXPECT_EQ(needed_turns(need(3'000'000'000, 5'000'000'000, 8'000'000'000)), nullptr);
  EXPECT_NE(needed_turns(need(3'000'000'000, 6'200'000'000, 8'000'000'000)), nullptr);
  EXPECT_EQ(needed_turns(need(3'000'000'000, 6'200'000'000, std::nullopt)), nullptr);
  EXPECT_EQ(needed_turns(need(9'000'000'000, 0, 8'000'000'000)), nullptr);  // alone: the engine says when there is too little
  EXPECT_EQ(needed_turns(memory_need({}, true)), nullptr);
}

TEST(Memory, OfAModelThatNobodyAsksIsNotLookedFor) {
  Config config;
  config.oracle.local.path = "nowhere";
  try {
    (void)memory_need(config, true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
  }
}

TEST(Memory, IsRefusedWithTheFiguresWhereNotEvenOneFits) {
  try {
    (void)needed_turns(need(3'000'000'000, 26'200'000'000, 8'000'000'000));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("3.0 GB and 26.2 GB, the machine has 8.0 GB"));
  }
}

}  // namespace
}  // namespace iteralign
