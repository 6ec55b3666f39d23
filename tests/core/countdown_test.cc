#include "core/countdown.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

TEST(Countdown, AThingIsDoneWithItsLastPart) {
  std::vector<std::size_t> done;
  const std::vector<std::size_t> owners = {0, 0, 2};
  Countdown open(3, owners, [&](std::size_t thing) { done.push_back(thing); });
  EXPECT_EQ(done, std::vector<std::size_t>{1}) << "it has no parts";
  open.part_done(0);
  open.part_done(2);
  open.part_done(0);
  EXPECT_EQ(done, (std::vector<std::size_t>{1, 2, 0}));
  Countdown(3, owners, {}).part_done(0);
}

}  // namespace
}  // namespace iteralign
