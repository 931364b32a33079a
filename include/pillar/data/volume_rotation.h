// Rotation of whole volumes about any axis through their centre, as the public finetuning code augments.
#pragma once

#include <array>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Yaw, pitch and roll in degrees are no Euler angles: they are the rotation's vector along W, H and D, whose
// direction is the axis and whose length is the angle (kornia 0.7.3, get_projective_transform).
using YawPitchRoll = std::array<double, 3>;

// Where a rotated voxel is looked for. `kornia` is what that library does: it takes the rotation for one
// between the centres of an axis' outer voxels but samples between their outer edges, which shears volumes
// whose sides differ; and its axis is 1e-6 of a radian too short.
enum class RotationGrid { voxels, kornia };

// (B,4,4) float64: takes a voxel (w,h,d,1) of a (D,H,W) volume to where the rotation moves it.
at::Tensor volume_rotation_matrix(const std::vector<YawPitchRoll>& degrees, std::int64_t depth,
                                  std::int64_t height, std::int64_t width,
                                  RotationGrid grid = RotationGrid::voxels);

// (B,C,D,H,W) of any number type -> float32, trilinear about the centre, `fill` where the source lies
// outside. Roll alone is rotate_in_plane(). Throws Error(usage) for another number of axes, other than one
// rotation a study, and angles or a fill that are not finite.
at::Tensor rotate_volume(const at::Tensor& voxels_bcdhw, const std::vector<YawPitchRoll>& degrees,
                         double fill, RotationGrid grid = RotationGrid::voxels);

}  // namespace pillar
