#include "core/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "core/log.h"
#include "core/strings.h"

namespace iteralign {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point a, Clock::time_point b) { return std::chrono::duration<double>(b - a).count(); }

std::string duration_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string bar_text(double share, int width) {
  const int full = static_cast<int>(share * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  return bar;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "CI=false" and "NO_COLOR=" count as not set.
bool says_yes(const char* name) {
  const std::string value = to_lower(variable(name));
  return !value.empty() && value != "0" && value != "false";
}

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string columns(variable("COLUMNS"));
  return columns.empty() ? 80 : std::max(20, std::atoi(columns.c_str()));
}

}  // namespace

bool stderr_is_terminal() {
  const std::string_view term = variable("TERM");
  const bool sequences = !term.empty() && term != "dumb" && !says_yes("NO_COLOR") && !says_yes("CI");
  return sequences && ::isatty(STDERR_FILENO) == 1;
}

Progress::Progress(std::string what, std::int64_t total, std::string unit, double quiet_s)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      quiet_s_(quiet_s),
      terminal_(log_shows(LogLevel::normal) && stderr_is_terminal()),
      start_(Clock::now()),
      last_draw_(start_) {}

Progress::~Progress() {
  const std::lock_guard lock(mutex_);
  if (done_ > 0 && seconds_between(start_, Clock::now()) >= quiet_s_) draw(true);
}

void Progress::add(std::int64_t n, const std::string& note) {
  const std::lock_guard lock(mutex_);
  done_ += n;
  if (!note.empty()) note_ = note;
  const auto now = Clock::now();
  if (seconds_between(start_, now) < quiet_s_) return;
  if (seconds_between(last_draw_, now) > (terminal_ ? 0.1 : 15.0)) draw(false);
}

void Progress::draw(bool last) {
  last_draw_ = Clock::now();
  const double elapsed = std::max(1e-9, seconds_between(start_, last_draw_));
  const double rate = static_cast<double>(done_) / elapsed;
  const std::string count = total_ > 0 ? fmt::format("{}/{}", done_, total_) : fmt::format("{}", done_);
  std::string tail = fmt::format("{} {} {:.1f}/s", count, unit_, rate);
  if (last)
    tail += " in " + duration_text(elapsed);
  else if (total_ > 0 && rate > 0)
    tail += ", " + duration_text(static_cast<double>(total_ - done_) / rate) + " left";
  if (!note_.empty()) tail += ", " + note_;
  if (!terminal_) {  // where the log is quiet, only its file gets the line
    log_line(LogLevel::normal, fmt::format("{}: {}", what_, tail));
    return;
  }
  const double share = total_ > 0 ? std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_)) : 0.0;
  const int width = std::clamp(terminal_columns() - static_cast<int>(what_.size() + tail.size()) - 6, 0, 30);
  const std::string line = fmt::format("\r\033[K{:<12} {} {}{}", what_, bar_text(share, width), tail, last ? "\n" : "");
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace iteralign
