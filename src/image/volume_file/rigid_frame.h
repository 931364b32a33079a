// The frame of a Volume from any matrix that a file gives: axes of a Volume are perpendicular.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/image/volume.h"

#include <array>
#include <filesystem>

namespace pillar {

// A frame whose steps of one column, row and slice are the columns of `matrix` (row-major, millimetres, LPS):
// spacings are their lengths. The axes may still be sheared, and a length may be 0.
Geometry frame_of_steps(const std::array<double, 9>& matrix, const std::array<double, 3>& origin_xyz_mm);

// The inner product of two unit vectors up to which axes are taken for perpendicular ones.
inline constexpr double kSlightShear = 0.1;

// Axes that are off the perpendicular by up to kSlightShear (the inner product of two unit vectors) become
// the nearest rotation of them, with a note of how far that moves a voxel of a volume of this size; spacings
// and the first voxel stay as they are. Throws Error(input) naming the file: a spacing that is not positive,
// a number that is not finite, axes that are no unit vectors or farther from perpendicular.
Geometry nearest_rigid_frame(const Geometry& claimed, const SizeDhw& size_dhw,
                             const std::filesystem::path& path, Notes& notes);

}  // namespace pillar
