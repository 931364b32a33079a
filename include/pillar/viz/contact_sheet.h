// A grid of slices as one PNG, the quick look at a scan.
#pragma once

#include "pillar/viz/png.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <string>

namespace pillar {

// Display window: value centre - width/2 is black, centre + width/2 is white. DICOM (0028,1050), (0028,1051).
struct DisplayWindow {
  double center = 40;
  double width = 400;
};
DisplayWindow parse_display_window(const std::string& text);  // "40,400"; throws Error(usage)
// 0.5 to 99.5 percentile of the values (on a sample of them, chosen evenly).
DisplayWindow automatic_window(const at::Tensor& voxels_dhw);

// One slice as grey levels, scaled to square pixels of the smaller spacing (nearest neighbour).
// axis 0: plane (H,W) at a depth; 1: (D,W), coronal for an axial scan; 2: (D,H), sagittal. Planes along D are drawn with
// the head end up when `head_up` is true for a volume whose slices ascend towards the head.
Image8 render_slice(const at::Tensor& voxels_dhw, int axis, std::int64_t index, const DisplayWindow& window,
                    const std::array<double, 3>& spacing_xyz_mm, bool slices_ascend);

struct ContactSheetOptions {
  int tiles = 20;          // slices shown, spread evenly over the volume
  int columns = 5;
  int tile_pixels = 192;   // longest side of a tile
  std::string title;       // drawn on top, ASCII
};
Image8 contact_sheet(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                     const DisplayWindow& window, const ContactSheetOptions& options);

}  // namespace pillar
