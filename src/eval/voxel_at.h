// Internal: places in millimetres to voxels.
#pragma once

#include "pillar/image/volume.h"

#include <array>
#include <cmath>
#include <cstdint>

namespace pillar {

// The voxel of a grid, counted in storage order, that a point (mm, LPS) lies in; -1 beside the grid.
inline std::int64_t voxel_at(const Grid& grid, const std::array<double, 3>& point_xyz_mm) {
  const std::array<double, 3> ijk = grid.geometry.index(point_xyz_mm);
  std::int64_t voxel = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double place = std::floor(ijk[2 - axis] + 0.5);
    if (!(place >= 0 && place < static_cast<double>(grid.size_dhw[axis]))) return -1;
    voxel = voxel * grid.size_dhw[axis] + static_cast<std::int64_t>(place);
  }
  return voxel;
}

}  // namespace pillar
