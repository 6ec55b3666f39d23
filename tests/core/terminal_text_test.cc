#include "core/terminal_text.h"

#include <gtest/gtest.h>

#include <string>

#include "core/json.h"

namespace iteralign {
namespace {

TEST(TerminalText, OrdinaryTextStays) {
  for (const char* text : {"", "plain", "two\nlines\tand a tab", "Grüße, 世界, 👩‍🚀, ن", "\\u001b[2J written out"})
    EXPECT_EQ(terminal_text(text), text);
}

TEST(TerminalText, ControlsAreShownAndNotObeyed) {
  EXPECT_EQ(terminal_text("\x1b[2J\x1b[31mred\x1b[0m"), "\\u001b[2J\\u001b[31mred\\u001b[0m");
  EXPECT_EQ(terminal_text("\x1b]52;c;ZWNobw==\a"), "\\u001b]52;c;ZWNobw==\\u0007");  // writes to the clipboard
  EXPECT_EQ(terminal_text("\xC2\x9B"
                          "2J \xC2\x9D"
                          "0;t\xC2\x9C"),
            "\\u009b2J \\u009d0;t\\u009c");  // C1: the same in one character
  EXPECT_EQ(terminal_text(std::string("a\0b\x7F\b", 5)), "a\\u0000b\\u007f\\u0008");
  EXPECT_EQ(terminal_text("safe\rFAKE"), "safe\\u000dFAKE");
  EXPECT_EQ(terminal_text("of Windows\r\nlines"), "of Windows\nlines");
}

TEST(TerminalText, TextIsNotTurned) {
  EXPECT_EQ(terminal_text("\u202Etxt.exe\u202C \u2066x\u2069 \u200F\u061C\u2028"),
            "\\u202etxt.exe\\u202c \\u2066x\\u2069 \\u200f\\u061c\\u2028");
}

TEST(TerminalText, BytesThatAreNoText) {
  EXPECT_EQ(terminal_text("\x9B"
                          "2J"),
            "\uFFFD"
            "2J");  // C1 of a terminal that takes bytes
  EXPECT_EQ(terminal_text("caf\xE9"), "caf\uFFFD");
  EXPECT_EQ(terminal_text("\xC0\x9B"), "\uFFFD\uFFFD");
  EXPECT_EQ(terminal_text("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(terminal_text("\xE2\x80"), "\uFFFD\uFFFD");
}

TEST(TerminalText, JsonReadsItBack) {
  const Json value = {{"text", "\x1b[2J \xC2\x9B \u202E \x7F"}};
  EXPECT_EQ(Json::parse(terminal_text(dump_json(value))), value);
}

}  // namespace
}  // namespace iteralign
