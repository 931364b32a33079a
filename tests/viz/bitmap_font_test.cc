#include "viz/picture/bitmap_font.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace pillar::viz {
namespace {

Image8 blank(int height, int width) {
  return {height, width, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width), 0)};
}

std::string picture(const Image8& image) {
  std::string text;
  for (int i = 0; i < image.height * image.width; ++i) {
    text += image.pixels[i] != 0 ? '#' : '.';
    if ((i + 1) % image.width == 0) text += '\n';
  }
  return text;
}

std::string drawn(std::string_view text) {
  Image8 image = blank(text_height(1), text_width(text, 1));
  draw_text(image, 0, 0, text, 1, 255);
  return picture(image);
}

TEST(BitmapFont, DrawsGlyphsSideBySide) {
  EXPECT_EQ(drawn("L1"),
            "#.......#..\n"
            "#......##..\n"
            "#.......#..\n"
            "#.......#..\n"
            "#.......#..\n"
            "#.......#..\n"
            "#####..###.\n");
}

TEST(BitmapFont, EveryPrintableAsciiCharacterHasAShapeOfItsOwn) {
  std::set<std::string> shapes;
  for (char c = ' '; c <= '~'; ++c) {
    if (c >= 'a' && c <= 'z') {
      EXPECT_EQ(drawn(std::string(1, c)), drawn(std::string(1, static_cast<char>(c - 'a' + 'A'))));
    } else {
      EXPECT_TRUE(shapes.insert(drawn(std::string(1, c))).second) << c;
    }
  }
}

TEST(BitmapFont, OtherBytesAppearAsQuestionMarks) {
  EXPECT_EQ(drawn("\xc3\n"), drawn("??"));
}

TEST(BitmapFont, ScaleEnlargesEachDot) {
  Image8 image = blank(text_height(3), text_width("I", 3));
  draw_text(image, 0, 0, "I", 3, 200);
  EXPECT_EQ(image.height, 21);
  EXPECT_EQ(image.width, 15);
  EXPECT_EQ(image.pixels[10 * 15 + 5], 0);
  EXPECT_EQ(image.pixels[10 * 15 + 6], 200);
  EXPECT_EQ(image.pixels[10 * 15 + 8], 200);
  EXPECT_EQ(image.pixels[10 * 15 + 9], 0);
}

TEST(BitmapFont, TextOutsideOfTheImageIsClipped) {
  Image8 image = blank(4, 4);
  draw_text(image, -3, -3, "#########", 2, 255);
  draw_text(image, 100, 100, "far", 2, 255);
  EXPECT_NE(picture(image).find('#'), std::string::npos);
}

}  // namespace
}  // namespace pillar::viz
