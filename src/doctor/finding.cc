#include "doctor/finding.h"

#include <algorithm>
#include <utility>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {

void Findings::ok(const std::string& check, std::string message) { all_.push_back({check, FindingStatus::ok, std::move(message), {}}); }

void Findings::warn(const std::string& check, std::string message, std::string mend) {
  all_.push_back({check, FindingStatus::warning, std::move(message), std::move(mend)});
}

void Findings::fault(const std::string& check, std::string message, std::string mend) {
  all_.push_back({check, FindingStatus::fault, std::move(message), std::move(mend)});
}

void Findings::run(const std::string& check, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
    fault(check, error.where().empty() ? error.text() : error.where() + ": " + error.text(), error.hint());
  } catch (const std::exception& error) {  // JSON of a shape that nobody expects
    fault(check, std::string("cannot be checked: ") + error.what(), "fetch or save the model again");
  }
}

std::string enumerate(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  const std::vector<std::string> shown(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  const std::string text = join(shown, ", ");
  return names.size() <= kShown ? text : text + " and " + std::to_string(names.size() - kShown) + " more";
}

}  // namespace iteralign
