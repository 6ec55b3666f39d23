#include "core/clock.h"

#include <ctime>
#include <mutex>
#include <optional>

namespace iteralign {
namespace {

std::mutex mutex;
std::optional<std::string> chosen;

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)};
}

}  // namespace

std::string template_time() {
  const std::lock_guard lock(mutex);
  if (!chosen) chosen = local_time();
  return *chosen;
}

void set_template_time(std::string time) {
  const std::lock_guard lock(mutex);
  chosen = std::move(time);
}

}  // namespace iteralign
