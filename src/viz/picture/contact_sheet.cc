#include "pillar/viz/contact_sheet.h"

#include "pillar/core/fail.h"

#include "viz/picture/bitmap_font.h"
#include "viz/picture/picture.h"
#include "viz/picture/voxels.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

using viz::blank;
using viz::kGap;
using viz::picture_side;
using viz::resize;

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

void check_tile_pixels(int pixels) {
  if (pixels >= 16 && pixels <= 2048) return;
  fail(ErrorCategory::usage, "tiles of {} pixels; 16 to 2048 can be had", pixels);
}

struct TileSize {
  int height = 1, width = 1;
};

// Of a slice along D whose longest side has `pixels`.
TileSize tile_size(const at::Tensor& volume, const std::array<double, 3>& spacing_xyz_mm, int pixels) {
  const double height_mm = static_cast<double>(volume.size(1)) * spacing_xyz_mm[1];
  const double width_mm = static_cast<double>(volume.size(2)) * spacing_xyz_mm[0];
  const double pixels_per_mm = pixels / std::max(height_mm, width_mm);
  return {picture_side(height_mm * pixels_per_mm), picture_side(width_mm * pixels_per_mm)};
}

void check_options(const ContactSheetOptions& options) {
  if (options.tiles < 1 || options.columns < 1) {
    fail(ErrorCategory::usage, "a contact sheet of {} tiles in {} columns; both must be at least 1",
         options.tiles, options.columns);
  }
  check_tile_pixels(options.tile_pixels);
}

}  // namespace

Image8 render_slice(const at::Tensor& voxels_dhw, int axis, std::int64_t index, const DisplayWindow& window,
                    const std::array<double, 3>& spacing_xyz_mm, bool slices_ascend) {
  at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  check_display_window(window);
  Plane plane = plane_of(volume, axis, index, spacing_xyz_mm, slices_ascend);
  double pixel_mm = std::min(plane.row_mm, plane.column_mm);
  int height = picture_side(static_cast<double>(plane.rows) * plane.row_mm / pixel_mm);
  int width = picture_side(static_cast<double>(plane.columns) * plane.column_mm / pixel_mm);
  return resize(draw_plane(volume, plane, window), height, width);
}

Image8 thumbnail(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                 const DisplayWindow& window, int pixels) {
  const at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  check_display_window(window);
  check_tile_pixels(pixels);
  const TileSize size = tile_size(volume, spacing_xyz_mm, pixels);
  const Plane plane = plane_of(volume, 0, volume.size(0) / 2, spacing_xyz_mm, true);
  return resize(draw_plane(volume, plane, window), size.height, size.width);
}

Image8 contact_sheet(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                     const DisplayWindow& window, const ContactSheetOptions& options) {
  at::Tensor volume = viz::checked_volume(voxels_dhw);
  viz::check_spacing(spacing_xyz_mm);
  check_display_window(window);
  check_options(options);

  int tiles = static_cast<int>(std::min<std::int64_t>(options.tiles, volume.size(0)));
  int columns = std::min(options.columns, tiles);
  int rows = (tiles + columns - 1) / columns;
  const auto [tile_height, tile_width] = tile_size(volume, spacing_xyz_mm, options.tile_pixels);
  int scale = options.tile_pixels >= 160 ? 2 : 1;
  int title_height = options.title.empty() ? 0 : viz::text_height(scale) + kGap;
  std::int64_t sheet_height = title_height + kGap + std::int64_t{rows} * (tile_height + kGap);
  std::int64_t sheet_width = kGap + std::int64_t{columns} * (tile_width + kGap);
  if (sheet_height * sheet_width > kMostPixels) {
    fail(ErrorCategory::usage, "a contact sheet of {} x {} pixels is too large", sheet_width, sheet_height);
  }

  Image8 sheet = blank(static_cast<int>(sheet_height), static_cast<int>(sheet_width), viz::kSheetGrey);
  viz::draw_title(sheet, options.title, scale);
  for (int i = 0; i < tiles; ++i) {
    std::int64_t index =
        (2 * std::int64_t{i} + 1) * volume.size(0) / (2 * tiles);  // the middle of the i-th part
    Image8 tile = resize(draw_plane(volume, plane_of(volume, 0, index, spacing_xyz_mm, true), window),
                         tile_height, tile_width);
    int left = kGap + i % columns * (tile_width + kGap);
    int top = title_height + kGap + i / columns * (tile_height + kGap);
    viz::paste(sheet, tile, left, top);
    viz::draw_label(sheet, left, top, std::to_string(index), scale);
  }
  return sheet;
}

}  // namespace pillar
