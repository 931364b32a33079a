// Tokens between their two arrangements: rows of windows, and one grid.
#pragma once

#include "pillar/nn/execution.h"

#include "model/atlas/scale_layout.h"

#include <ATen/core/Tensor.h>

namespace pillar {

// (batch * windows, tokens, C) -> (batch, D, H, W, C); windows in the order d h w, tokens too.
at::Tensor windows_to_grid(const at::Tensor& x, const Size3& grid, const Size3& window);
// (batch, D, H, W, C) -> (batch * windows, tokens, C)
at::Tensor grid_to_windows(const at::Tensor& x, const Size3& grid, const Size3& window);
// Maximum over blocks of `by` tokens, (batch, D, H, W, C) -> (batch, D/by, H/by, W/by, C); what is left over
// is dropped.
at::Tensor max_pool_grid(const at::Tensor& x, const Size3& by, const Execution& execution);

// (windows * tokens) int64: where each token, windows one after the other, stands on the grid that they were
// cut from, counted along d, h and w.
at::Tensor grid_places(const ScaleLayout& layout);

}  // namespace pillar
