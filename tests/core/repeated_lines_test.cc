// No eight lines of src/ stand there twice: what is the same has one place.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::size_t kRun = 8;

struct Line {
  std::string text, place;
};

// Lines that say something: no comments, includes, lone brackets, and not what a class must repeat of the interface that it implements.
std::vector<Line> lines_of(const std::string& path) {
  std::vector<Line> lines;
  int number = 0;
  const std::string file = read_file(path);  // the lines are views of it
  for (const std::string_view raw : split_lines(file)) {
    ++number;
    const std::string text(trim(raw));
    const bool is_bracket = text.find_first_not_of("{}()[];,") == std::string::npos;
    if (is_bracket || text.starts_with("//") || text.starts_with("#") || text.starts_with("namespace") ||
        text.starts_with("}  // namespace") || text.ends_with("override;"))
      continue;
    lines.push_back({text, path + ":" + std::to_string(number)});
  }
  return lines;
}

TEST(Source, NoEightLinesStandTwice) {
  std::map<std::string, std::string> seen;
  for (const std::string& path : list_files(join_path(ITERALIGN_SOURCE_DIR, "src"))) {
    if (!path.ends_with(".cc") && !path.ends_with(".h")) continue;
    const std::vector<Line> lines = lines_of(path);
    for (std::size_t i = 0; i + kRun <= lines.size(); ++i) {
      std::string run;
      for (std::size_t j = i; j < i + kRun; ++j) run += lines[j].text + "\n";
      const auto [first, is_new] = seen.emplace(run, lines[i].place);
      if (is_new) continue;
      ADD_FAILURE() << lines[i].place << " repeats " << first->second << ":\n" << run;
      break;
    }
  }
  EXPECT_GT(seen.size(), 10'000U);
}

}  // namespace
}  // namespace iteralign
