// Internal: from the voxels of a grid in the patient to those of a model's input. Both grids are straight, so
// that one voxel's step along an axis is the same everywhere.
#pragma once

#include "pillar/data/placement.h"

#include <array>
#include <cstdint>

namespace pillar {

struct InputWay {
  VoxelDhw first;                 // the input's voxel at voxel (0,0,0) of the grid
  std::array<VoxelDhw, 3> along;  // and what it moves by along D, H and W of the grid

  VoxelDhw at(std::int64_t k, std::int64_t j, std::int64_t i) const {
    VoxelDhw input;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      input[axis] = first[axis] + static_cast<double>(k) * along[0][axis] +
                    static_cast<double>(j) * along[1][axis] + static_cast<double>(i) * along[2][axis];
    }
    return input;
  }
  double volume() const;  // voxels of the input in the space of one voxel of the grid
};

InputWay input_way(const Placement& placement, const Geometry& grid);

}  // namespace pillar
