// Internal: how far voxels are from a finding, and which of its parts hang together.
#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar {

// (D,H,W) float32: millimetres from each voxel's centre to the nearest centre of a voxel of the mask (uint8),
// exact. The mask has at least one voxel.
at::Tensor distance_to_mask(const at::Tensor& mask_dhw, const std::array<double, 3>& spacing_xyz_mm);

// (D,H,W) int32: the number of the part that a voxel belongs to, from 1; 0 beside the mask. Voxels that
// touch, corners included, are of one part. `parts` is set to how many there are.
at::Tensor connected_parts(const at::Tensor& mask_dhw, std::int64_t& parts);

}  // namespace pillar
