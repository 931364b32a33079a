// Where a model looked, on the scan's own grid.
#pragma once

#include "pillar/data/placement.h"
#include "pillar/image/volume.h"

#include <span>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ScanAttention {
  Volume map;              // float32 on Placement::source; the voxels' sum is 1
  double beside_scan = 0;  // the share that lay on padding, and is not on the map
};

// Weights of tokens, (d,h,w) float32 on the CPU, none below 0, each of whose axes covers the whole axis of
// the model's input in equal parts, brought back through crop, padding, flip and resampling: a voxel of the
// scan has the weight of the token that its centre lies in, spread over the token's voxels. Several (of the
// members of an ensemble) are averaged. Throws Error(input) where no weight lies on the scan, or one is NaN
// or infinite.
ScanAttention attention_on_scan(std::span<const at::Tensor> members_dhw, const Placement& placement);

}  // namespace pillar
