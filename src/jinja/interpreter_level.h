#pragma once
// How deep the interpreter may call itself.

#include "jinja/interpreter.h"

namespace iteralign::jinja {

// One level of expressions and statements while it lives. Macros that call each other without end are a Fault.
class Interpreter::Level {
 public:
  explicit Level(Interpreter& interpreter) : levels_(interpreter.levels_) {
    if (levels_ >= kMaxLevels) throw Fault{"macros or expressions nest too deep"};
    ++levels_;
  }
  ~Level() { --levels_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  static constexpr int kMaxLevels = 1500;  // about 1 KiB of stack each
  int& levels_;
};

}  // namespace iteralign::jinja
