#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "iteralign/error.h"

// `action` throws an Error whose message has every one of these parts.
template <class Action>
void expect_error(const Action& action, const std::vector<std::string>& parts, iteralign::ErrorKind kind = iteralign::ErrorKind::data) {
  try {
    action();
    ADD_FAILURE() << "no error; expected one with: " << parts.front();
  } catch (const iteralign::Error& error) {
    for (const auto& part : parts) EXPECT_THAT(error.what(), testing::HasSubstr(part));
    EXPECT_EQ(error.kind(), kind);
  }
}
