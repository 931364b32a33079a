#include "pillar/viz/contact_sheet.h"

#include "core/fail.h"
#include "viz/bitmap_font.h"
#include "viz/voxels.h"

#include <cmath>

namespace pillar {
namespace {

constexpr int kGap = 4;  // pixels around tiles
constexpr std::uint8_t kBackground = 32;
constexpr std::uint8_t kInk = 255;
constexpr double kLongestSide = 16384;  // pixels; a forged spacing must not ask for more
constexpr std::int64_t kMostPixels = 1 << 28;

// The voxels of one plane: rows and columns of the picture from its top left corner.
struct Plane {
  std::int64_t first = 0;  // offset of the top left voxel
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_step = 0, column_step = 0;
  double row_mm = 1, column_mm = 1;
};

Plane plane_of(const at::Tensor& volume, int axis, std::int64_t index,
               const std::array<double, 3>& spacing_xyz_mm, bool slices_ascend) {
  if (axis < 0 || axis > 2) fail(ErrorCategory::usage, "axis {}: a volume has the axes 0, 1 and 2", axis);
  if (index < 0 || index >= volume.size(axis)) {
    fail(ErrorCategory::usage, "slice {} of axis {}, which has {}", index, axis, volume.size(axis));
  }
  int row_axis = axis == 0 ? 1 : 0;
  int column_axis = axis == 2 ? 1 : 2;
  Plane plane{index * volume.stride(axis),    volume.size(row_axis),      volume.size(column_axis),
              volume.stride(row_axis),        volume.stride(column_axis), spacing_xyz_mm[2 - row_axis],
              spacing_xyz_mm[2 - column_axis]};
  if (row_axis == 0 && slices_ascend) {
    plane.first += (plane.rows - 1) * plane.row_step;
    plane.row_step = -plane.row_step;
  }
  return plane;
}

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

// Grey levels, one pixel a voxel.
Image8 draw_plane(const at::Tensor& volume, const Plane& plane, const DisplayWindow& window) {
  picture_side(static_cast<double>(std::max(plane.rows, plane.columns)));
  Image8 image = blank(static_cast<int>(plane.rows), static_cast<int>(plane.columns), 0);
  double low = window.center - window.width / 2;
  viz::visit_voxels(volume, [&](const auto* voxels) {
    std::uint8_t* pixel = image.pixels.data();
    for (std::int64_t row = 0; row < plane.rows; ++row) {
      const auto* voxel = voxels + plane.first + row * plane.row_step;
      for (std::int64_t column = 0; column < plane.columns; ++column, voxel += plane.column_step) {
        double value = static_cast<double>(*voxel);
        if (!std::isfinite(value))
          fail(ErrorCategory::input, "cannot draw a volume with a voxel of value {}", value);
        *pixel++ = static_cast<std::uint8_t>(std::clamp((value - low) / window.width, 0.0, 1.0) * 255 + 0.5);
      }
    }
  });
  return image;
}

// Where output pixel `i` of `outputs` begins among `inputs` pixels.
int source_begin(int i, int inputs, int outputs) {
  return static_cast<int>(std::int64_t{i} * inputs / outputs);
}

// Each output pixel is the mean of those it covers, so a larger image is a nearest-neighbour one.
Image8 resize(const Image8& image, int height, int width) {
  if (height == image.height && width == image.width) return image;
  Image8 result = blank(height, width, 0);
  for (int y = 0; y < height; ++y) {
    int y0 = source_begin(y, image.height, height);
    int y1 = std::max(y0 + 1, source_begin(y + 1, image.height, height));
    for (int x = 0; x < width; ++x) {
      int x0 = source_begin(x, image.width, width);
      int x1 = std::max(x0 + 1, source_begin(x + 1, image.width, width));
      std::uint64_t sum = 0;
      for (int row = y0; row < y1; ++row) {
        for (int column = x0; column < x1; ++column) {
          sum += image.pixels[static_cast<std::size_t>(row) * image.width + column];
        }
      }
      std::uint64_t count = static_cast<std::uint64_t>(y1 - y0) * static_cast<std::uint64_t>(x1 - x0);
      result.pixels[static_cast<std::size_t>(y) * width + x] =
          static_cast<std::uint8_t>((sum + count / 2) / count);
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
  viz::fill_rectangle(sheet, left, top, viz::text_width(text, scale) + 2 * scale,
                      viz::text_height(scale) + 2 * scale, 0);
  viz::draw_text(sheet, left + scale, top + scale, text, scale, kInk);
}

void draw_title(Image8& sheet, const std::string& title, int scale) {
  std::string text = title;
  int room = sheet.width - 2 * kGap;
  if (viz::text_width(text, scale) > room) {
    std::size_t fitting = static_cast<std::size_t>(std::max(0, room / viz::text_width("  ", scale) * 2 - 3));
    text = text.substr(0, fitting) + "...";
  }
  viz::draw_text(sheet, kGap, kGap, text, scale, kInk);
}

void check_options(const ContactSheetOptions& options) {
  if (options.tiles < 1 || options.columns < 1) {
    fail(ErrorCategory::usage, "a contact sheet of {} tiles in {} columns; both must be at least 1",
         options.tiles, options.columns);
  }
  if (options.tile_pixels < 16 || options.tile_pixels > 2048) {
    fail(ErrorCategory::usage, "tiles of {} pixels; 16 to 2048 can be had", options.tile_pixels);
  }
}

}  // namespace

Image8 render_slice(const at::Tensor& voxels_dhw, int axis, std::int64_t index, const DisplayWindow& window,
                    const std::array<double, 3>& spacing_xyz_mm, bool slices_ascend) {
  at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  validate(window);
  Plane plane = plane_of(volume, axis, index, spacing_xyz_mm, slices_ascend);
  double pixel_mm = std::min(plane.row_mm, plane.column_mm);
  int height = picture_side(static_cast<double>(plane.rows) * plane.row_mm / pixel_mm);
  int width = picture_side(static_cast<double>(plane.columns) * plane.column_mm / pixel_mm);
  return resize(draw_plane(volume, plane, window), height, width);
}

Image8 contact_sheet(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                     const DisplayWindow& window, const ContactSheetOptions& options) {
  at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  validate(window);
  check_options(options);

  int tiles = static_cast<int>(std::min<std::int64_t>(options.tiles, volume.size(0)));
  int columns = std::min(options.columns, tiles);
  int rows = (tiles + columns - 1) / columns;
  double height_mm = static_cast<double>(volume.size(1)) * spacing_xyz_mm[1];
  double width_mm = static_cast<double>(volume.size(2)) * spacing_xyz_mm[0];
  double pixels_per_mm = options.tile_pixels / std::max(height_mm, width_mm);
  int tile_height = picture_side(height_mm * pixels_per_mm);
  int tile_width = picture_side(width_mm * pixels_per_mm);
  int scale = options.tile_pixels >= 160 ? 2 : 1;
  int title_height = options.title.empty() ? 0 : viz::text_height(scale) + kGap;
  std::int64_t sheet_height = title_height + kGap + std::int64_t{rows} * (tile_height + kGap);
  std::int64_t sheet_width = kGap + std::int64_t{columns} * (tile_width + kGap);
  if (sheet_height * sheet_width > kMostPixels) {
    fail(ErrorCategory::usage, "a contact sheet of {} x {} pixels is too large", sheet_width, sheet_height);
  }

  Image8 sheet = blank(static_cast<int>(sheet_height), static_cast<int>(sheet_width), kBackground);
  draw_title(sheet, options.title, scale);
  for (int i = 0; i < tiles; ++i) {
    std::int64_t index =
        (2 * std::int64_t{i} + 1) * volume.size(0) / (2 * tiles);  // the middle of the i-th part
    Image8 tile = resize(draw_plane(volume, plane_of(volume, 0, index, spacing_xyz_mm, true), window),
                         tile_height, tile_width);
    int left = kGap + i % columns * (tile_width + kGap);
    int top = title_height + kGap + i / columns * (tile_height + kGap);
    paste(sheet, tile, left, top);
    draw_label(sheet, left, top, std::to_string(index), scale);
  }
  return sheet;
}

}  // namespace pillar
