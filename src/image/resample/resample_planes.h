// From parallel planes that lie anywhere to an even grid, in one step.
#pragma once

#include "pillar/image/resample.h"

#include <array>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Where planes lie, in millimetres, in a frame whose axes are those of the grid to come.
struct PlaneStack {
  std::vector<std::array<double, 3>> origins;  // of each plane's first pixel; in order along the normal
  std::array<double, 3> row = {1, 0, 0};       // unit vector along a row: to the next column
  std::array<double, 3> column = {0, 1, 0};    // unit vector along a column: to the next row
  std::array<double, 2> pixel_spacing_rc_mm = {1, 1};  // between rows, between columns
};

// An even grid in that frame, its axes along the frame's.
struct BoxGrid {
  std::array<double, 3> origin_xyz_mm = {0, 0, 0};  // of its first voxel
  std::array<double, 3> spacing_xyz_mm = {1, 1, 1};
  SizeDhw size_dhw = {0, 0, 0};
};

// Each voxel lies between two neighbouring planes, on a line from a point of one to the point of the other
// that has the same pixel coordinates; its value is the linear mean of the two, each read off linearly
// between its pixels (nearest: of the nearest pixel of the nearest plane). Values that vary linearly in space
// come out exact. Up to half a pixel, or half a step (of planes or of the grid), beyond the outermost pixels
// and planes their values hold; farther out is the least value of all planes. The dtype stays; means of
// integers are rounded to nearest. Two planes or more, contiguous (K,H,W).
at::Tensor resample_planes(const at::Tensor& planes_khw, const PlaneStack& stack, const BoxGrid& grid,
                           Interpolation interpolation, int threads);

}  // namespace pillar
