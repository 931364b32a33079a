// Internal: how well a map covers a finding.
#pragma once

#include "pillar/metrics/localization.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// All but the hit. map_dhw: float32, values below 0 count as 0; mask_dhw: uint8 of its size with at least one
// voxel. A map without anything above 0 scores as one that is the same everywhere.
LocalizationScores map_scores(const at::Tensor& map_dhw, const at::Tensor& mask_dhw);

}  // namespace pillar
