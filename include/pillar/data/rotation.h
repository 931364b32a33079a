// Rotation about the body axis, as augmentation: in the plane of the slices.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct RotationOptions {
  double probability = 0.5;
  double max_degrees = 20;  // drawn evenly from [-max, max]
};

// One angle a study, 0 where it is not turned; a function of its seed alone.
std::vector<double> draw_rotations(const std::vector<std::uint64_t>& study_seeds,
                                   const RotationOptions& options);

// (B,C,D,H,W) of any number type, on any device -> float32: bilinear about ((H-1)/2, (W-1)/2), positive
// angles turn +W towards +H... `fill` where the source lies outside. Studies with angle 0 keep their values
// exactly; if all are 0 and the input is float32, it is returned as it is.
at::Tensor rotate_in_plane(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees, double fill);

}  // namespace pillar
