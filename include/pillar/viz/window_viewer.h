// A scan through several intensity windows side by side, and where those windows lie among its values.
#pragma once

#include "pillar/viz/png.h"

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ShownWindow {
  std::string name;
  double low = 0;   // black at and below
  double high = 1;  // white at and above
};

struct WindowViewerOptions {
  std::string title;
  std::vector<std::pair<std::string, std::string>>
      facts;  // rows of the table under the pictures (name, value); page only
  std::string value_unit = "HU";
  std::string notice;      // a line above the pictures; empty: none
  bool warning = false;    // the notice is one
  int longest_side = 256;  // page: voxels kept along each axis, 8 to 512; larger ones are thinned
  int columns = 4;         // sheet: tiles in a row
  int tile_pixels = 256;   // sheet: longest side of a tile, 16 to 2048
};

// Every window of one slice along D, a slider through the slices, and the histogram of all voxels with the
// windows drawn in. One file that loads nothing and works from file://; names, title, notice and facts may
// hold any text. voxels_dhw, spacing and errors as render_slice, and Error(usage) for no window, more than
// 64, a range whose ends are not finite or not in order, or options out of range.
std::string window_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                               const std::vector<ShownWindow>& windows, const WindowViewerOptions& options);
void write_window_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                         const std::array<double, 3>& spacing_xyz_mm, const std::vector<ShownWindow>& windows,
                         const WindowViewerOptions& options);  // atomic

// The same of the middle slice as a picture.
Image8 window_sheet(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                    const std::vector<ShownWindow>& windows, const WindowViewerOptions& options);

}  // namespace pillar
