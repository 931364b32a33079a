// Resampling to another spacing, bit for bit what itk::ResampleImageFilter gives with an identity transform.
#pragma once

#include "pillar/image/volume.h"

#include <array>

namespace pillar {

enum class Interpolation { linear, nearest };

// Output size round(size * spacing / target) per axis, halves to even, at least one voxel; same origin and
// direction; voxels outside the input are 0; the dtype stays (interpolated values are truncated as ITK casts
// them). `threads`: 0 means all processors. Throws Error(usage) on a spacing that is not positive and finite.
Volume resample(const Volume& input, const std::array<double, 3>& target_spacing_xyz_mm,
                Interpolation interpolation, int threads = 0);

}  // namespace pillar
