#include "pillar/model/activ_tokens.h"

#include "pillar/core/fail.h"

#include "core/shared/joined.h"
#include "model/atlas/patch_embed_table.h"
#include "model/atlas/scale_layout.h"
#include "model/atlas/window_grid.h"

#include <algorithm>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensordot.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// (to, from) float32: the share of each of `from` equal parts of an axis that lies in each of `to` parts.
at::Tensor shares_of_axis(std::int64_t from, std::int64_t to) {
  at::Tensor shares = at::zeros({to, from});
  float* share = shares.mutable_data_ptr<float>();
  // In units of 1 / (from * to) of the axis all ends are whole numbers.
  for (std::int64_t t = 0; t < to; ++t) {
    for (std::int64_t f = 0; f < from; ++f) {
      const std::int64_t both = std::min((f + 1) * to, (t + 1) * from) - std::max(f * to, t * from);
      share[t * from + f] = static_cast<float>(std::max(std::int64_t{0}, both)) / static_cast<float>(to);
    }
  }
  return shares;
}

// (T,Y,X) to `size` along each axis, with the same sum.
at::Tensor spread(at::Tensor grid, const Size3& size) {
  for (int axis = 0; axis < 3; ++axis) {
    const at::Tensor shares = shares_of_axis(grid.size(0), size[static_cast<std::size_t>(axis)]);
    grid = at::tensordot(grid, shares, {0}, {1});  // the axis goes to the end, and the next is first
  }
  return grid.contiguous();
}

// Tokens of two views lie side by side along W; where the image has its views one behind the other, they go
// there.
at::Tensor views_in_place(const at::Tensor& tokens_dhw, PatchEmbedKind kind, std::int64_t depth) {
  const int views = patch_embed_table(kind).views;
  if (views == 1 || view_axis(views, depth) != 2) return tokens_dhw;
  return at::cat(tokens_dhw.chunk(views, 2), 0);
}

}  // namespace

at::Tensor activ_to_tokens(const at::Tensor& weights_tyx, const TowerConfig& tower, PatchEmbedKind kind) {
  const Size3 expected = configured_tokens_hwd(tower);
  if (weights_tyx.sizes() != at::IntArrayRef(expected)) {
    fail(ErrorCategory::input, "weights of ({}) for the map of the tower {}, which has ({})",
         joined(weights_tyx.sizes(), ", "), tower.modality, joined(expected, ", "));
  }
  const ScaleLayout layout = scale_layout(tower, embedded_tokens_dhw(kind, tower.size_dhw())).front();
  Size3 arranged;
  for (std::size_t axis = 0; axis < 3; ++axis) arranged[axis] = layout.grid[axis] * layout.window[axis];
  const at::Tensor grid = spread(weights_tyx.to(at::kCPU, at::kFloat), arranged).unsqueeze(0).unsqueeze(-1);
  const at::Tensor windows = grid_to_windows(grid, layout.grid, layout.window);
  const at::Tensor tokens =
      windows_to_grid(windows, layout.cut_grid, layout.cut_window).squeeze(-1).squeeze(0);
  return views_in_place(tokens, kind, tower.size_dhw()[0]).contiguous();
}

}  // namespace pillar
