#include "text/unicode.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

TEST(EscapeControls, WhatCouldMoveTheCursorIsWrittenOut) {
  EXPECT_EQ(escape_controls("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(escape_controls("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(escape_controls("\u009b2J"), "\\x9b2J");  // CSI in one character
  EXPECT_EQ(escape_controls("\u202egpj.exe\u2066"), "\\u202egpj.exe\\u2066");
  EXPECT_EQ(escape_controls("x\x9by"), "x\uFFFDy");  // a bare byte
  EXPECT_EQ(escape_controls("Zürich 東京 🙂 Ġthe"), "Zürich 東京 🙂 Ġthe");
}

}  // namespace
}  // namespace iteralign
