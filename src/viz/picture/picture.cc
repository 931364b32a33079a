#include "viz/picture/picture.h"

#include "pillar/core/fail.h"

#include "viz/picture/bitmap_font.h"

#include <algorithm>
#include <cmath>

namespace pillar::viz {
namespace {

constexpr double kLongestSide = 16384;  // pixels; a forged spacing must not ask for more
constexpr std::uint8_t kInk = 255;

// Which input pixels an output pixel covers along one axis, and how much of each in units of 1/outputs. All
// whole numbers.
struct Cover {
  int first = 0;
  std::vector<std::int64_t> parts;  // sum: inputs
};

std::vector<Cover> covers(int inputs, int outputs) {
  std::vector<Cover> result(static_cast<std::size_t>(outputs));
  for (int i = 0; i < outputs; ++i) {
    std::int64_t begin = std::int64_t{i} * inputs;
    std::int64_t end = begin + inputs;
    Cover& cover = result[i];
    cover.first = static_cast<int>(begin / outputs);
    for (std::int64_t edge = std::int64_t{cover.first} * outputs; edge < end; edge += outputs) {
      cover.parts.push_back(std::min(end, edge + outputs) - std::max(begin, edge));
    }
  }
  return result;
}

}  // namespace

Image8 blank(int height, int width, std::uint8_t grey) {
  return {height, width, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width, grey)};
}

int picture_side(double pixels) {
  if (!(pixels <= kLongestSide)) {
    fail(ErrorCategory::input,
         "the voxel spacing asks for a picture of {:.0f} pixels a side; {:.0f} is the most", pixels,
         kLongestSide);
  }
  return std::max(1, static_cast<int>(std::lround(pixels)));
}

Image8 resize(const Image8& image, int height, int width) {
  if (height == image.height && width == image.width) return image;
  Image8 result = blank(height, width, 0);
  std::vector<Cover> down = covers(image.height, height);
  std::vector<Cover> across = covers(image.width, width);
  std::int64_t total = std::int64_t{image.height} * image.width;
  std::uint8_t* pixel = result.pixels.data();
  for (const Cover& rows : down) {
    for (const Cover& columns : across) {
      std::int64_t sum = total / 2;
      for (std::size_t r = 0; r < rows.parts.size(); ++r) {
        const std::uint8_t* source =
            image.pixels.data() + (rows.first + static_cast<std::int64_t>(r)) * image.width + columns.first;
        std::int64_t row_sum = 0;
        for (std::size_t c = 0; c < columns.parts.size(); ++c) row_sum += columns.parts[c] * source[c];
        sum += rows.parts[r] * row_sum;
      }
      *pixel++ = static_cast<std::uint8_t>(sum / total);
    }
  }
  return result;
}

void paste(Image8& sheet, const Image8& tile, int left, int top) {
  for (int y = 0; y < tile.height; ++y) {
    std::copy_n(tile.pixels.begin() + static_cast<std::ptrdiff_t>(y) * tile.width, tile.width,
                sheet.pixels.begin() + static_cast<std::ptrdiff_t>(top + y) * sheet.width + left);
  }
}

void draw_label(Image8& sheet, int left, int top, const std::string& text, int scale) {
  // A black box, so that the label can be read on white bone too.
  fill_rectangle(sheet, left, top, text_width(text, scale) + 2 * scale, text_height(scale) + 2 * scale, 0);
  draw_text(sheet, left + scale, top + scale, text, scale, kInk);
}

void draw_title(Image8& sheet, const std::string& title, int scale) {
  std::string text = title;
  int room = sheet.width - 2 * kGap;
  if (text_width(text, scale) > room) {
    std::size_t fitting = static_cast<std::size_t>(std::max(0, room / text_width("  ", scale) * 2 - 3));
    text = text.substr(0, fitting) + "...";
  }
  draw_text(sheet, kGap, kGap, text, scale, kInk);
}

}  // namespace pillar::viz
