// A scan as one self-contained HTML file: three orientations, a slider for each, window presets, values under the cursor.
#pragma once

#include "pillar/viz/contact_sheet.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

struct SliceViewerOptions {
  std::string title;
  DisplayWindow window;                                          // the one shown first
  std::vector<std::pair<std::string, std::string>> facts;        // rows of the table under the pictures (name, value)
  std::string value_unit = "HU";
  bool slices_ascend = true;                                     // towards the head
  int longest_side = 256;                                        // voxels kept along the longest axis; larger are thinned
};

// Voxels are embedded (as 8- or 16-bit PNG data, lossless after thinning), so that windowing in the page is live. No network.
std::string slice_viewer_html(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                              const SliceViewerOptions& options);
void write_slice_viewer(const std::filesystem::path& path, const at::Tensor& voxels_dhw,
                        const std::array<double, 3>& spacing_xyz_mm, const SliceViewerOptions& options);  // atomic

}  // namespace pillar
