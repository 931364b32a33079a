// Internal: statistics of voxels that are on a GPU, by LibTorch's operators, so that they need not come back.
#pragma once

#include "windows/statistics.h"

namespace pillar::windows {

// As statistics(), for voxels on any device. Exact for integers and for the extremes and percentiles of
// floats; the moments of floats are LibTorch's, in double. Waits for the device.
Statistics statistics_by_operators(const at::Tensor& voxels, const StatisticsWanted& wanted);

}  // namespace pillar::windows
