#pragma once
// Published files for tests: beside the project, or what `tools/fetch tests` brings. Where they are missing a test says "skipped", and
// tests/expected_skips.txt has to say why.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

inline std::string shared_data(const std::string& path) {
  const std::string root = ITERALIGN_SOURCE_DIR, beside = root + "/../shared/data/" + path, fetched = root + "/data/fetched/tests/" + path;
  return !std::filesystem::exists(beside) && std::filesystem::exists(fetched) ? fetched : beside;
}

#define SKIP_WITHOUT(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << (path) << " is not here"
