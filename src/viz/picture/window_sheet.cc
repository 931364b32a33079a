#include "pillar/viz/contact_sheet.h"
#include "pillar/viz/window_viewer.h"

#include "viz/picture/bitmap_font.h"
#include "viz/picture/histogram.h"
#include "viz/picture/picture.h"
#include "viz/picture/voxels.h"
#include "viz/viewer/window_parts.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar {
namespace {

using viz::kGap;

constexpr int kScale = 2;         // of the text
constexpr int kCurveHeight = 96;  // pixels of the histogram
constexpr int kBarHeight = 18;    // of a window's bar under it
constexpr int kNameWidth = 170;   // left of the bars
constexpr std::int64_t kMostSheetPixels = 1 << 28;
constexpr std::uint8_t kCurveGrey = 150;
constexpr std::uint8_t kLineGrey = 90;

void check_options(const WindowViewerOptions& options) {
  if (options.columns < 1 || options.tile_pixels < 16 || options.tile_pixels > 2048) {
    fail(ErrorCategory::usage,
         "a sheet of windows in {} columns of {} pixels; from 1 column and 16 to 2048 pixels can be had",
         options.columns, options.tile_pixels);
  }
}

// Pieces of whole words that fit `width` pixels.
std::vector<std::string> wrapped(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string word(text.substr(0, space));
    text.remove_prefix(std::min(text.size(), space + 1));
    const std::string longer = line.empty() ? word : fmt::format("{} {}", line, word);
    if (!line.empty() && viz::text_width(longer, kScale) > width) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

// Where a value lies on an axis of `width` pixels.
int place(double value, const viz::Histogram& histogram, int width) {
  const double part = (value - histogram.low) / (histogram.high - histogram.low);
  return static_cast<int>(std::lround(std::clamp(part, 0.0, 1.0) * width));
}

// Compressed: a tissue of a thousandth of the voxels is to be seen beside the air.
void draw_curve(Image8& sheet, int left, int top, int width, const viz::Histogram& histogram) {
  const double most =
      static_cast<double>(*std::max_element(histogram.counts.begin(), histogram.counts.end()));
  const auto bins = static_cast<std::int64_t>(histogram.counts.size());
  viz::fill_rectangle(sheet, left, top, width, kCurveHeight, 0);
  for (int x = 0; x < width; ++x) {
    const auto count = static_cast<double>(histogram.counts[static_cast<std::size_t>(x * bins / width)]);
    const int height = static_cast<int>(std::lround(std::pow(count / most, 0.3) * kCurveHeight));
    viz::fill_rectangle(sheet, left + x, top + kCurveHeight - height, 1, height, kCurveGrey);
  }
}

// From black to white between the ends of the window, and so on to both sides.
void draw_bar(Image8& sheet, int left, int top, int width, const ShownWindow& window,
              const viz::Histogram& histogram) {
  for (int x = 0; x < width; ++x) {
    const double value = histogram.low + (x + 0.5) / width * (histogram.high - histogram.low);
    const double part = std::clamp((value - window.low) / (window.high - window.low), 0.0, 1.0);
    viz::fill_rectangle(sheet, left + x, top, 1, kBarHeight - 3,
                        static_cast<std::uint8_t>(std::lround(part * 255)));
  }
  for (const double end : {window.low, window.high}) {
    if (end <= histogram.low || end >= histogram.high) continue;
    viz::fill_rectangle(sheet, left + place(end, histogram, width), top - 1, 1, kBarHeight - 1, kLineGrey);
  }
}

void draw_histogram(Image8& sheet, int top, const viz::Histogram& histogram,
                    const std::vector<ShownWindow>& windows) {
  const int left = kGap + kNameWidth, width = std::max(1, sheet.width - left - kGap);
  draw_curve(sheet, left, top, width, histogram);
  viz::draw_text(sheet, kGap, top, fmt::format("{:.5g}", histogram.low), 1, 255);
  viz::draw_text(sheet, kGap, top + viz::text_height(1) + kGap, fmt::format("to {:.5g}", histogram.high), 1,
                 255);
  top += kCurveHeight + kGap;
  for (const ShownWindow& window : windows) {
    viz::draw_text(sheet, kGap, top, window.name.substr(0, 14), kScale, 255);
    draw_bar(sheet, left, top, width, window, histogram);
    top += kBarHeight;
  }
}

struct SheetLayout {
  int tile_height = 0, tile_width = 0;
  int columns = 0, rows = 0;
  int tiles_top = 0, curve_top = 0;
  int height = 0, width = 0;
};

int line_height() {
  return viz::text_height(kScale) + kGap + kGap / 2;
}

SheetLayout layout_of(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm,
                      std::int64_t count, const WindowViewerOptions& options) {
  const double height_mm = static_cast<double>(volume.size(1)) * spacing_xyz_mm[1];
  const double width_mm = static_cast<double>(volume.size(2)) * spacing_xyz_mm[0];
  const double pixels_per_mm = options.tile_pixels / std::max(height_mm, width_mm);
  SheetLayout layout;
  layout.tile_height = viz::picture_side(height_mm * pixels_per_mm);
  layout.tile_width = viz::picture_side(width_mm * pixels_per_mm);
  layout.columns = static_cast<int>(std::min<std::int64_t>(options.columns, count));
  layout.rows = (static_cast<int>(count) + layout.columns - 1) / layout.columns;
  layout.width = std::max(kGap + layout.columns * (layout.tile_width + kGap), 2 * kNameWidth);
  return layout;
}

// The heights, once it is known how many lines the notice takes. 64 windows of 2048 pixels stay within an
// int.
void stack(SheetLayout& layout, std::int64_t lines, std::int64_t count) {
  const std::int64_t tiles_top = (1 + lines) * line_height() + kGap;
  const std::int64_t curve_top = tiles_top + std::int64_t{layout.rows} * (layout.tile_height + kGap) + kGap;
  const std::int64_t height = curve_top + kCurveHeight + kGap + count * kBarHeight + kGap;
  if (layout.width * height > kMostSheetPixels) {
    fail(ErrorCategory::usage, "a sheet of windows of {} x {} pixels is too large", layout.width, height);
  }
  layout.tiles_top = static_cast<int>(tiles_top);
  layout.curve_top = static_cast<int>(curve_top);
  layout.height = static_cast<int>(height);
}

void draw_tiles(Image8& sheet, const SheetLayout& layout, const at::Tensor& volume,
                const std::array<double, 3>& spacing_xyz_mm, const std::vector<ShownWindow>& windows) {
  for (int i = 0; i < static_cast<int>(windows.size()); ++i) {
    const DisplayWindow shown = {windows[i].low / 2 + windows[i].high / 2, windows[i].high - windows[i].low};
    const Image8 slice = render_slice(volume, 0, volume.size(0) / 2, shown, spacing_xyz_mm, true);
    const int left = kGap + i % layout.columns * (layout.tile_width + kGap);
    const int top = layout.tiles_top + i / layout.columns * (layout.tile_height + kGap);
    viz::paste(sheet, viz::resize(slice, layout.tile_height, layout.tile_width), left, top);
    viz::draw_label(sheet, left, top, windows[i].name.substr(0, 20), layout.tile_width >= 160 ? kScale : 1);
  }
}

}  // namespace

Image8 window_sheet(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                    const std::vector<ShownWindow>& windows, const WindowViewerOptions& options) {
  const at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  viz::check_windows(windows);
  check_options(options);
  const viz::Histogram histogram = viz::histogram_of(volume, 256);
  const auto count = static_cast<std::int64_t>(windows.size());
  SheetLayout layout = layout_of(volume, spacing_xyz_mm, count, options);
  const std::vector<std::string> lines = wrapped(
      options.warning ? fmt::format("Warning: {}", options.notice) : options.notice, layout.width - 2 * kGap);
  stack(layout, static_cast<std::int64_t>(lines.size()), count);

  Image8 sheet = viz::blank(layout.height, layout.width, viz::kSheetGrey);
  viz::draw_title(sheet, options.title, kScale);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    viz::draw_text(sheet, kGap, kGap + static_cast<int>(i + 1) * line_height(), lines[i], kScale, 255);
  }
  draw_tiles(sheet, layout, volume, spacing_xyz_mm, windows);
  draw_histogram(sheet, layout.curve_top, histogram, windows);
  return sheet;
}

}  // namespace pillar
