// Internal: sheets of grey pictures with labels.
#pragma once

#include "pillar/viz/png.h"

#include <cstdint>
#include <string>

namespace pillar::viz {

constexpr int kGap = 4;  // pixels around tiles
constexpr std::uint8_t kSheetGrey = 32;

Image8 blank(int height, int width, std::uint8_t grey);

// Rounded, at least 1. Throws Error(input) for more than a picture may have.
int picture_side(double pixels);

// Each output pixel is the mean of what it covers.
Image8 resize(const Image8& image, int height, int width);

// The tile must lie within the sheet.
void paste(Image8& sheet, const Image8& tile, int left, int top);

// On a box of black, so that it can be read on white too.
void draw_label(Image8& sheet, int left, int top, const std::string& text, int scale);

// In the top left corner, cut off with "..." where the sheet ends.
void draw_title(Image8& sheet, const std::string& title, int scale);

}  // namespace pillar::viz
