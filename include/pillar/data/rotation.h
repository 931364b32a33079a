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

// One angle a study in degrees, 0 where it is not turned; a function of its seed alone. Throws Error(usage)
// for a probability outside [0, 1] or angles outside [0, 180].
std::vector<double> draw_rotations(const std::vector<std::uint64_t>& study_seeds,
                                   const RotationOptions& options);

// (B,C,D,H,W) of any number type, on any device -> float32: bilinear about ((H-1)/2, (W-1)/2) in voxels, so
// that slices whose sides differ are turned, not sheared. Positive angles turn +W towards +H: what lies right
// of the centre in an image with rows downwards moves down. `fill` where the source lies outside, blended
// with it over the last voxel. Studies with angle 0 keep their values exactly; if all are 0 and the input is
// float32, it is returned as it is. Beyond input and result it takes a few slices. Throws Error(usage) for
// another number of axes, other than one angle a study, and angles or a fill that are not finite.
at::Tensor rotate_in_plane(const at::Tensor& voxels_bcdhw, const std::vector<double>& degrees, double fill);

// Masks (B,D,H,W) uint8 by the same angles as their studies, each voxel from the nearest, 0 where the source
// lies outside; returned as they are where all angles are 0 or there are none (not defined). Throws
// Error(usage) as rotate_in_plane() does, and for another type.
at::Tensor rotate_mask_in_plane(const at::Tensor& masks_bdhw, const std::vector<double>& degrees);

}  // namespace pillar
