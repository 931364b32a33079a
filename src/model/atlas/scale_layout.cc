#include "model/atlas/scale_layout.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

constexpr const char* kAxisDhw[3] = {"D", "H", "W"};

Size3 dhw_from_hwd(const Size3& hwd) {
  return {hwd[2], hwd[0], hwd[1]};
}

bool every_axis_holds(const Size3& size, const Size3& window) {
  return size[0] >= window[0] && size[1] >= window[1] && size[2] >= window[2];
}

std::int64_t product(const Size3& size) {
  return size[0] * size[1] * size[2];
}

// The public code counts scales by how often all tokens together, not those of one axis, can be pooled until
// a single window holds them. Its floating-point logarithms are kept, since rounding decides at whole powers.
std::int64_t most_scales(const TowerConfig& tower) {
  const std::int64_t pool = product(tower.local2global_dhw);
  if (pool < 2) return 1;
  const double windows = static_cast<double>(product(configured_tokens_hwd(tower))) /
                         static_cast<double>(product(tower.merge_ratio_dhw));
  const double steps = std::log2(windows) / std::log2(static_cast<double>(pool));
  return std::max(std::int64_t{1}, static_cast<std::int64_t>(std::ceil(steps)) + 1);
}

struct Cut {
  Size3 grid, window;
};

Cut cut(const TowerConfig& tower, std::size_t scale, const Size3& tokens_dhw) {
  const Size3& merge = tower.merge_ratio_dhw;
  if (!every_axis_holds(tokens_dhw, merge)) return {{1, 1, 1}, tokens_dhw};
  for (int a = 0; a < 3; ++a) {
    if (tokens_dhw[a] % merge[a] != 0) {
      fail(ErrorCategory::input,
           "modality {}: scale {} has {} tokens along {}, which merge_ratio {} does not divide; a divisor of "
           "{} would work",
           tower.modality, scale, tokens_dhw[a], kAxisDhw[a], merge[a], tokens_dhw[a]);
    }
  }
  return {divided(tokens_dhw, merge), merge};
}

ScaleLayout lay_out(const TowerConfig& tower, std::size_t scale, const Size3& tensor_dhw,
                    const Size3& configured_dhw) {
  const Cut real = cut(tower, scale, tensor_dhw), said = cut(tower, scale, configured_dhw);
  const ScaleLayout layout{real.grid, real.window, said.grid, said.window};
  const std::int64_t windows = real.grid[0] * real.grid[1] * real.grid[2];
  const std::int64_t tokens = real.window[0] * real.window[1] * real.window[2];
  if (windows != layout.windows() || tokens != layout.window_tokens()) {
    fail(ErrorCategory::input,
         "modality {}: scale {}: the patch embed gives {} windows of {} tokens, image_size and patch_size {} "
         "of {}; "
         "they must be the same",
         tower.modality, scale, windows, tokens, layout.windows(), layout.window_tokens());
  }
  return layout;
}

void check_step(const TowerConfig& tower, const ScaleLayout& fine, const ScaleLayout& coarse,
                std::size_t scale) {
  if (fine.windows() % coarse.windows() != 0) {
    fail(ErrorCategory::input, "modality {}: scale {} has {} windows, which the {} of scale {} do not divide",
         tower.modality, scale - 1, fine.windows(), coarse.windows(), scale);
  }
  for (int a = 0; a < 3; ++a) {
    const std::int64_t pooled = fine.window[a] / tower.local2global_dhw[a] * fine.grid[a];
    if (pooled != coarse.grid[a] * coarse.window[a]) {
      fail(ErrorCategory::input,
           "modality {}: windows of {} tokens along {} pooled by local2global {} give {} tokens, scale {} "
           "has {}; "
           "merge_ratio must be a multiple of local2global",
           tower.modality, fine.window[a], kAxisDhw[a], tower.local2global_dhw[a], pooled, scale,
           coarse.grid[a] * coarse.window[a]);
    }
  }
}

}  // namespace

Size3 divided(const Size3& a, const Size3& by) {
  return {a[0] / by[0], a[1] / by[1], a[2] / by[2]};
}

Size3 configured_tokens_hwd(const TowerConfig& tower) {
  return divided(tower.image_size_hwd, tower.patch_size_hwd);
}

std::vector<ScaleLayout> scale_layout(const TowerConfig& tower, const Size3& tokens_dhw) {
  const std::int64_t most = most_scales(tower);
  Size3 tensor = tokens_dhw, configured = dhw_from_hwd(configured_tokens_hwd(tower));
  std::vector<ScaleLayout> scales;
  while (static_cast<std::int64_t>(scales.size()) < most) {
    for (int a = 0; a < 3; ++a) {
      if (tensor[a] > 0 && configured[a] > 0) continue;
      fail(ErrorCategory::input,
           "modality {}: scale {} has no tokens left along {}; a smaller local2global would work",
           tower.modality, scales.size(), kAxisDhw[a]);
    }
    scales.push_back(lay_out(tower, scales.size(), tensor, configured));
    if (scales.size() > 1) check_step(tower, scales[scales.size() - 2], scales.back(), scales.size() - 1);
    if (scales.back().windows() == 1) break;
    tensor = divided(tensor, tower.local2global_dhw);
    configured = divided(configured, tower.local2global_dhw);
  }
  return scales;
}

}  // namespace pillar
