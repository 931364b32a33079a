// Internal: what a window must be before anything is computed with it.
#pragma once

#include "pillar/windows/window.h"

#include <ATen/core/Tensor.h>

namespace pillar::windows {

// Added to the width of ranges that follow from voxels, so that voxels that are all equal have one.
constexpr double kRangeFloor = 1e-8;

// Throws Error(usage): a level window whose numbers are not finite or whose width is not above 0 (in float32
// too), percentiles outside of 0 to 100 or not in ascending order.
void check_window(const Window& window);

// Throws Error(input) unless they are (batch, channels, depth, height, width) of int16, uint16 or float32,
// and there are some.
void check_voxels(const at::Tensor& voxels);

}  // namespace pillar::windows
