// Volumes to test with.
#pragma once

#include "pillar/image/volume.h"

#include <random>

namespace pillar::test {

// Values over the whole range of an integer type, or around 0 for floats (with some negative zeros among
// them).
at::Tensor random_voxels(const SizeDhw& size, at::ScalarType type, std::mt19937_64& random);

Geometry axis_aligned(const std::array<double, 3>& spacing_xyz_mm,
                      const std::array<double, 3>& origin_xyz_mm);

// Turned about all three axes; with `mirrored`, the third axis is negated too.
Geometry oblique(const std::array<double, 3>& spacing_xyz_mm, const std::array<double, 3>& origin_xyz_mm,
                 bool mirrored = false);

// Whether all bytes are equal (so that -0 differs from +0).
bool same_bytes(const at::Tensor& a, const at::Tensor& b);

}  // namespace pillar::test
