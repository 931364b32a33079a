#include "pillar/viz/contact_sheet.h"
#include "pillar/viz/window_viewer.h"

#include "support/expect_error.h"

#include <ATen/ATen.h>

namespace pillar {
namespace {

using ::testing::HasSubstr;

constexpr std::array<double, 3> kSheetSpacing = {1, 1, 3};

// A middle slice of one value among others.
at::Tensor volume_with(double middle) {
  at::Tensor volume = at::arange(5 * 64 * 64, at::kFloat).reshape({5, 64, 64}) / 100;
  volume[2].fill_(middle);
  return volume;
}

// The grey in the middle of the i-th tile of one row.
std::uint8_t tile_grey(const Image8& sheet, int i, const WindowViewerOptions& options) {
  const int left = 4 + i * (options.tile_pixels + 4) + options.tile_pixels / 2;
  return sheet.pixels[static_cast<std::size_t>(100) * sheet.width + left];
}

TEST(WindowSheet, EveryTileIsTheMiddleSliceThroughItsWindow) {
  WindowViewerOptions options;
  options.tile_pixels = 128;
  const Image8 sheet = window_sheet(volume_with(50), kSheetSpacing,
                                    {{"dark", 50, 100}, {"half", 0, 100}, {"bright", 0, 50}}, options);
  EXPECT_EQ(sheet.channels, 1);
  EXPECT_EQ(sheet.pixels.size(), static_cast<std::size_t>(sheet.width) * sheet.height);
  EXPECT_EQ(tile_grey(sheet, 0, options), 0);
  EXPECT_EQ(tile_grey(sheet, 1, options), 128);
  EXPECT_EQ(tile_grey(sheet, 2, options), 255);
}

TEST(WindowSheet, GrowsWithWindowsAndNotice) {
  WindowViewerOptions options;
  options.tile_pixels = 64;
  options.columns = 2;
  const auto size_of = [&](std::size_t count) {
    const Image8 sheet =
        window_sheet(volume_with(1), kSheetSpacing, std::vector<ShownWindow>(count, {"w", 0, 1}), options);
    return std::pair(sheet.width, sheet.height);
  };
  EXPECT_EQ(size_of(3).first, size_of(4).first);
  EXPECT_LT(size_of(2).second, size_of(3).second);
  const int quiet = size_of(2).second;
  options.notice =
      "a long notice that takes more than one line of a sheet as narrow as this one is, and then some";
  EXPECT_GT(size_of(2).second, quiet + 20);
}

TEST(WindowSheet, BarsGoFromBlackToWhite) {
  const Image8 sheet = window_sheet(volume_with(1), kSheetSpacing, {{"w", 50, 100}}, {});
  // The last bar is at the bottom: black at its left end, white at its right.
  const std::size_t row = static_cast<std::size_t>(sheet.height - 4 - 12) * sheet.width;
  EXPECT_EQ(sheet.pixels[row + 180], 0);
  EXPECT_EQ(sheet.pixels[row + sheet.width - 8], 255);
}

TEST(WindowSheet, WrongOptionsAreRefused) {
  const auto sheet = [](int columns, int tile_pixels) {
    WindowViewerOptions options;
    options.columns = columns;
    options.tile_pixels = tile_pixels;
    return window_sheet(volume_with(1), kSheetSpacing, {{"w", 0, 1}}, options);
  };
  EXPECT_PILLAR_ERROR(sheet(0, 64), ErrorCategory::usage, HasSubstr("0 columns"));
  EXPECT_PILLAR_ERROR(sheet(4, 8), ErrorCategory::usage, HasSubstr("8 pixels"));
  EXPECT_PILLAR_ERROR(sheet(4, 4096), ErrorCategory::usage, HasSubstr("4096"));
}

}  // namespace
}  // namespace pillar
