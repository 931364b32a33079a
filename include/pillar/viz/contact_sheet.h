// A grid of slices as one PNG, the quick look at a scan.
#pragma once

#include "pillar/viz/display_window.h"
#include "pillar/viz/png.h"

#include <array>
#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// One slice as grey levels, scaled to square pixels of the smaller spacing (each the mean of what it covers).
// axis 0: plane (H,W) at a depth; 1: (D,W), coronal for an axial scan; 2: (D,H), sagittal. With
// `slices_ascend` (slice indices rise towards the head) planes along D are drawn with the last slice on top,
// so that the head end is up. voxels_dhw: (D,H,W) on the CPU, any integer type, float or double. Throws
// Error(usage) for an axis, index or window that does not exist; Error(input) for an empty or misshapen
// volume, a spacing that is not above 0, a voxel that is NaN or infinite, or a picture of more than 16384
// pixels a side.
Image8 render_slice(const at::Tensor& voxels_dhw, int axis, std::int64_t index, const DisplayWindow& window,
                    const std::array<double, 3>& spacing_xyz_mm, bool slices_ascend);

// The middle slice along D as a picture whose longest side has `pixels`, 16 to 2048. Errors as render_slice.
Image8 thumbnail(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                 const DisplayWindow& window, int pixels);

struct ContactSheetOptions {
  int tiles = 20;  // slices shown, spread evenly over the volume; a smaller volume shows each slice once
  int columns = 5;
  int tile_pixels = 192;  // longest side of a tile, 16 to 2048
  std::string
      title;  // drawn on top, ASCII; another byte appears as '?', what does not fit is cut off with "..."
};

// Slices along D with their index in a corner, scaled to the tile. Errors as
// render_slice, and Error(usage) for options out of range.
Image8 contact_sheet(const at::Tensor& voxels_dhw, const std::array<double, 3>& spacing_xyz_mm,
                     const DisplayWindow& window, const ContactSheetOptions& options);

}  // namespace pillar
