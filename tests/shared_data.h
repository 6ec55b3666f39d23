#pragma once
// Real files for tests, beside the project. Where they are missing a test says "skipped".

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

inline std::string shared_data(const std::string& path) { return std::string(ITERALIGN_SOURCE_DIR) + "/../shared/data/" + path; }

#define SKIP_WITHOUT(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: " << (path) << " is not here"
