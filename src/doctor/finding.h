#pragma once
// What the doctor finds: one line each.

#include <functional>
#include <string>
#include <vector>

#include "iteralign/enum_names.h"

namespace iteralign {

enum class FindingStatus { ok, warning, fault };
template <>
inline constexpr std::array<const char*, 3> kNames<FindingStatus> = {"ok", "warning", "fault"};

// Texts may quote a file: whoever prints them escapes them.
struct Finding {
  std::string check;  // what was looked at: "end_of_turn"
  FindingStatus status = FindingStatus::ok;
  std::string message;
  std::string mend;  // empty when there is nothing to mend
};

class Findings {
 public:
  void ok(const std::string& check, std::string message);
  void warn(const std::string& check, std::string message, std::string mend);
  void fault(const std::string& check, std::string message, std::string mend);

  // Runs one check. What it throws becomes a fault of that name, and the next checks run all the same; only an interrupt is thrown on.
  void run(const std::string& check, const std::function<void()>& body);

  [[nodiscard]] const std::vector<Finding>& all() const { return all_; }

 private:
  std::vector<Finding> all_;
};

// "a, b, c and 4 more"
std::string enumerate(const std::vector<std::string>& names);

}  // namespace iteralign
