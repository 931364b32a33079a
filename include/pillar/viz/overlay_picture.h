// Values that lie over a scan, such as where a model looked, as one PNG: the quick look.
#pragma once

#include "pillar/viz/display_window.h"
#include "pillar/viz/png.h"

#include <array>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

struct OverlayPictureOptions {
  DisplayWindow window;
  bool slices_ascend = true;  // slice indices rise towards the head
  double opacity = 0.6;       // of the overlay where it is largest
  int plane_pixels = 384;     // longest side of a plane, 16 to 2048
  std::string title;          // drawn on top, ASCII; another byte appears as '?'
};

// The three planes through the voxel where the overlay is largest, side by side with their slice's index:
// grey voxels, and over them yellow for little and red for most of the overlay. Both tensors are (D,H,W) on
// the CPU. Throws Error(input) for an overlay of another size, or with a value that is negative or not
// finite; else as render_slice.
Image8 overlay_picture(const at::Tensor& voxels_dhw, const at::Tensor& overlay_dhw,
                       const std::array<double, 3>& spacing_xyz_mm, const OverlayPictureOptions& options);

}  // namespace pillar
