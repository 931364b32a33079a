#include "pillar/core/printable.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(Printable, ControlCharactersAndBrokenUtf8AreSpelledOut) {
  EXPECT_EQ(printable("größe 5"), "größe 5");
  EXPECT_EQ(printable("a\nb\x7F"), R"(a\x0Ab\x7F)");
  EXPECT_EQ(printable("\xFFx\xC3"), R"(\xFFx\xC3)");
  EXPECT_EQ(printable(std::string_view("\0", 1)), R"(\x00)");
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 4), "abcd...");
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abcö", 4), "abc...");
}

TEST(IsText, Utf8WithTabsAndLineEnds) {
  EXPECT_TRUE(is_text("größe:\t1\r\n"));
  EXPECT_TRUE(is_text(""));
  EXPECT_FALSE(is_text(std::string_view("a\0", 2)));
  EXPECT_FALSE(is_text("\x04"));
  EXPECT_FALSE(is_text("\xE2\x82"));
  EXPECT_FALSE(is_text("\xC0\x80"));
}

}  // namespace
}  // namespace pillar
